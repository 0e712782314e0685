"""The verdict: yes and no only where the interval says so; unknown never passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipelines.stress import Limits, judge, summarize
from pipelines.stress.records import Ending, Records
from pipelines.verdicts import Outcome, Verdict
from tests.stress.made_up import records


def judged(made: Records, p99_ms: float = 100.0, errors: float = 0.1, cpu: float = 0.2) -> Verdict:
    return judge(summarize(made, len(made) / 100), Limits(p99_ms, errors), cpu)


def outcomes(verdict: Verdict) -> dict[str, Outcome]:
    return {part.name: part.outcome for part in verdict.parts}


def failing(count: int, of: int) -> Records:
    made = records([1.0] * of)
    made["ending"][:count] = Ending.REFUSED
    return made


def test_a_server_that_keeps_both_limits_passes() -> None:
    assert judged(records([10.0] * 5000)).outcome is Outcome.PASSED


@pytest.mark.parametrize("milliseconds", [1.0, 5000.0])
@pytest.mark.parametrize("requests", [1, 100, 299])
def test_too_few_requests_say_nothing(requests: int, milliseconds: float) -> None:
    verdict = judged(records([milliseconds] * requests))

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "too few" in verdict.reason


def test_latency_is_judged_by_its_interval() -> None:
    slow = np.where(np.arange(10_000) % 100 == 0, 500.0, 10.0)  # exactly one in a hundred

    assert outcomes(judged(records(slow)))["p99"] is Outcome.INCONCLUSIVE
    assert outcomes(judged(records([500.0] * 5000)))["p99"] is Outcome.FAILED
    assert outcomes(judged(records(slow), p99_ms=500.0))["p99"] is Outcome.PASSED


@pytest.mark.parametrize(
    ("failed", "of", "outcome"),
    [
        (0, 2000, Outcome.INCONCLUSIVE),
        (0, 3000, Outcome.PASSED),
        (3, 3000, Outcome.INCONCLUSIVE),
        (20, 3000, Outcome.FAILED),
    ],
)
def test_errors_are_judged_by_their_interval(failed: int, of: int, outcome: Outcome) -> None:
    assert outcomes(judged(failing(failed, of)))["errors"] is outcome


@pytest.mark.parametrize(("failed", "outcome"), [(0, Outcome.PASSED), (1, Outcome.FAILED)])
def test_none_may_fail_means_none(failed: int, outcome: Outcome) -> None:
    assert outcomes(judged(failing(failed, 500), errors=0.0))["errors"] is outcome


def test_a_server_that_answers_nobody_fails_both() -> None:
    verdict = judged(failing(1000, 1000))

    assert verdict.outcome is Outcome.FAILED
    assert set(outcomes(verdict).values()) == {Outcome.FAILED}
    assert "had no right answer" in verdict.reason
    assert "inf" not in verdict.reason


@pytest.mark.parametrize("blame", [{"cpu": 0.99}, {"lag": 60.0}])
def test_the_server_is_not_blamed_for_the_generator(blame: dict[str, Any]) -> None:
    made = records([500.0] * 5000)
    made["sent"] += blame.pop("lag", 0.0) / 1e3
    verdict = judged(made, **blame)

    assert outcomes(verdict)["p99"] is Outcome.INCONCLUSIVE
    assert "the generator was the bottleneck" in verdict.reason


def test_a_limit_that_is_kept_in_spite_of_the_generator_is_kept() -> None:
    assert judged(records([10.0] * 5000), cpu=0.99).outcome is Outcome.PASSED


def test_seconds_are_read_as_milliseconds() -> None:
    assert "3,040 ms" in judged(records([3040.4] * 5000)).reason


def test_the_evidence_is_json() -> None:
    evidence = judged(failing(1000, 1000)).to_json()["parts"][0]["evidence"]

    assert evidence["value"] is None
    assert evidence["limit_ms"] == 100.0
