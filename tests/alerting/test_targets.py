"""Prometheus finds every server of every version, and nothing else."""

from __future__ import annotations

from pipelines.alerting.targets import targets


def test_versions_have_their_servers() -> None:
    book = {
        "alpha-v2-0": (20001, 20002),
        "alpha-v2-1": (20003, 20004),
        "beta-v1-0": (20005, 20006),
        "gateway": (20007, 20008),
    }
    assert targets(book) == [
        {
            "targets": ["127.0.0.1:20001", "127.0.0.1:20003"],
            "labels": {"model": "alpha", "version": "v2"},
        },
        {"targets": ["127.0.0.1:20005"], "labels": {"model": "beta", "version": "v1"}},
    ]


def test_a_stack_that_is_down_has_none() -> None:
    assert targets({}) == []
