"""A message says what is wrong, why, and what to do next."""

from __future__ import annotations

from typing import get_args

import pytest

from pipelines.alerting.events import SEVERITY
from pipelines.alerting.messages import message, next_step, said
from pipelines.settings import AlertKind
from tests.alerting.factories import event

KINDS = sorted(get_args(AlertKind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_words_and_a_next_step(kind: str) -> None:
    found = event(kind)
    written = message([found])
    assert said(found) in written.title
    assert "answers went wrong" in written.body
    assert f"next step: {next_step(found)}" in written.body
    assert "{" not in written.title + written.body
    assert "alpha" in said(found)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"promoted", "quarantine"}))
def test_a_next_step_is_a_command_of_ours(kind: str) -> None:
    """What a person types at night; the verbs themselves are looked up where all of them are."""
    assert "`evergreen " in next_step(event(kind))


def test_every_kind_has_a_severity() -> None:
    assert sorted(SEVERITY) == KINDS


def test_it_reads_as_written_here() -> None:
    written = message([event()])
    assert written.severity == "critical"
    assert written.title == "[critical] alpha@v2 was rolled back: alpha@v1 is live"
    assert written.body == (
        "CRITICAL: alpha@v2 was rolled back: alpha@v1 is live\n"
        "at 2026-03-10 11:59:00 UTC\n"
        "why: answers went wrong\n"
        "next step: `evergreen history alpha` has the evidence; release a mended version"
    )


def test_several_events_are_one_message_with_the_severity_of_the_worst() -> None:
    written = message([event("refused", subject="r-1"), event(), event("promoted")])
    assert written.severity == "critical"
    assert written.title.endswith("of r-1 of alpha (and 2 more)") or "(and 2 more)" in written.title
    assert written.body.count("next step:") == 3


def test_a_storm_of_events_is_cut_and_says_so() -> None:
    events = [event(subject=f"alpha@v{number}", reason="x" * 5000) for number in range(300)]
    written = message(events)
    assert written.body.count("next step:") == 10
    assert "... and 290 more" in written.body
    assert len(written.body) < 8000
