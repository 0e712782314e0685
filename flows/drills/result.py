"""What came of a drill, and whether it is what should have come of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flows.drills.answers import Bad


@dataclass(frozen=True)
class Moment:
    """One second of a drill, for its timeline.

    Attributes:
        second: since the drill began.
        percent: the challenger's weight at its end.
        answered: by version (or `fallback`), how many requests it answered.
        bad: answers that no client should get.
    """

    second: int
    percent: int
    answered: Mapping[str, int]
    bad: int


@dataclass(frozen=True)
class Result:
    """One drill, measured.

    Attributes:
        name, title: of the scenario.
        expected, real: how the rollout should end, and how it did.
        reason: why it did, in the rollout's words.
        decision_seconds: from the rollout's beginning to its end.
        measured: seconds by name; see `scenarios.LIMITS`.
        requests: that clients sent meanwhile.
        sent_again: those among them whose connection failed at first.
        bad: what clients should not have seen.
        problems: what is not as it should be; empty for a drill that went well.
        timeline, marks: for the page; a mark is (seconds since the beginning, what was done).
    """

    name: str
    title: str
    expected: str
    real: str
    reason: str
    decision_seconds: float | None
    measured: Mapping[str, float]
    requests: int
    sent_again: int
    bad: Bad
    problems: Sequence[str]
    timeline: Sequence[Moment] = ()
    marks: Sequence[tuple[float, str]] = field(default_factory=tuple)

    @property
    def is_as_expected(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "is_as_expected": self.is_as_expected}


def problems(
    expected: str, real: str, bad: Bad, measured: Mapping[str, float], limits: Mapping[str, float]
) -> list[str]:
    """In words, what is not as it should be.

    Args:
        expected, real: how the rollout should end, and how it did.
        bad: what clients saw.
        measured, limits: seconds by name.
    """
    found = [] if expected == real else [f"{real}, and should be {expected}"]
    if bad.total:
        kinds = (f"{n} {kind.replace('_', ' ')}" for kind, n in asdict(bad).items() if n)
        found.append(f"clients saw {', '.join(kinds)}")
    for name, seconds in measured.items():
        # Not "above": what is no number is not within a limit.
        if name in limits and not seconds <= limits[name]:
            found.append(f"{name}: {seconds:.2f} s, and {limits[name]:g} s is the most")
    return found
