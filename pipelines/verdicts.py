"""The four-valued verdict: what a gate says, and on which evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What a gate may say. Only PASSED promotes; unknown never passes."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"


# A definite no outranks a fault, a fault outranks a shrug, and a yes needs everybody.
_RANK = {Outcome.FAILED: 3, Outcome.ERROR: 2, Outcome.INCONCLUSIVE: 1, Outcome.PASSED: 0}


@dataclass(frozen=True)
class Verdict:
    """One answer, the sentence a person reads, and the JSON-ready numbers behind it."""

    name: str
    outcome: Outcome
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Verdict, ...] = ()

    @property
    def has_passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary: strings, numbers, lists and dictionaries only."""
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "evidence": dict(self.evidence),
            "parts": [part.to_json() for part in self.parts],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Verdict:
        return cls(
            name=value["name"],
            outcome=Outcome(value["outcome"]),
            reason=value["reason"],
            evidence=value["evidence"],
            parts=tuple(cls.from_json(part) for part in value["parts"]),
        )


def combine(name: str, verdicts: Iterable[Verdict]) -> Verdict:
    """Join verdicts into one: the worst outcome wins, and no verdict at all is INCONCLUSIVE."""
    parts = tuple(verdicts)
    if not parts:
        return Verdict(name, Outcome.INCONCLUSIVE, "nothing was checked")
    worst = max(parts, key=lambda part: _RANK[part.outcome]).outcome
    if worst is Outcome.PASSED:
        return Verdict(name, worst, f"all {len(parts)} checks passed", parts=parts)
    reasons = "; ".join(f"{part.name}: {part.reason}" for part in parts if part.outcome is worst)
    return Verdict(name, worst, reasons, parts=parts)
