"""What came of each rule, and of all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.validation.rules import Severity
from pipelines.verdicts import Outcome

ROWS = "rows"


@dataclass(frozen=True)
class Result:
    """The outcome of one rule on one table.

    Attributes:
        table: "rows", or the name of a side table.
        rule: what must hold, as a phrase.
        columns: the columns it is about.
        severity: how much it matters if it does not hold.
        outcome: PASSED, FAILED, INCONCLUSIVE (there was nothing to check) or ERROR (it could not
            be checked).
        expected: the limits, in words.
        observed: what was seen instead, or as well.
        next_step: what to do if it does not hold.
        checked: number of values or rows that were looked at, if it is about them.
        unexpected: how many of them violate it.
        examples: a few of the violating values.
        positions: row numbers in the whole table of the rows that it takes out.
        mostly: the share of the values that must keep to the limits.
        why: the reason for the rule, in its author's words.
        type: the name of the expectation; "" for a built-in rule.
    """

    table: str
    rule: str
    columns: tuple[str, ...]
    severity: Severity
    outcome: Outcome
    expected: str
    observed: str
    next_step: str
    checked: int | None = None
    unexpected: int | None = None
    examples: tuple[str, ...] = ()
    positions: tuple[int, ...] = field(default=(), repr=False)
    mostly: float = 1.0
    why: str = ""
    type: str = ""

    @property
    def is_held(self) -> bool:
        return self.outcome is Outcome.PASSED

    @property
    def weight(self) -> Severity | None:
        """The severity of the failure, None if the rule is held.

        A rule that could not be checked weighs the most, whatever its author thought of it.
        """
        if self.is_held:
            return None
        return Severity.CRITICAL if self.outcome is Outcome.ERROR else self.severity

    @property
    def is_blocking(self) -> bool:
        return self.weight is Severity.CRITICAL

    @property
    def share(self) -> float | None:
        """Violating values as a share of those looked at."""
        if self.unexpected is None or not self.checked:
            return None
        return self.unexpected / self.checked

    @property
    def demand(self) -> str:
        """The limits, and how many values must keep to them, in words."""
        tolerance = (
            f"in at least {100 * self.mostly:.6g}\N{NARROW NO-BREAK SPACE}%"
            if self.mostly < 1
            else ""
        )
        return ", ".join(filter(None, (self.expected, tolerance)))

    @property
    def reason(self) -> str:
        """Why a row is in quarantine."""
        subject = ", ".join(self.columns)
        said = f"{self.rule} ({self.expected})" if self.expected else self.rule
        return f"{subject}: {said}" if subject else said

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "rule": self.rule,
            "type": self.type,
            "columns": list(self.columns),
            "severity": self.severity.value,
            "outcome": self.outcome.value,
            "expected": self.expected,
            "mostly": self.mostly,
            "observed": self.observed,
            "checked": self.checked,
            "unexpected": self.unexpected,
            "quarantined": len(self.positions),
            "examples": list(self.examples),
            "why": self.why,
        }


@dataclass(frozen=True)
class Counts:
    """Rows of one table: read, and taken out; each row is counted once."""

    read: int
    quarantined: int

    @property
    def kept(self) -> int:
        return self.read - self.quarantined

    @property
    def share(self) -> float:
        return self.quarantined / self.read if self.read else 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "kept": self.kept,
            "quarantined": self.quarantined,
            "quarantined_share": round(self.share, 6),
        }


@dataclass(frozen=True)
class Report:
    """Everything that one validation found; "rows" is the first table."""

    model: str
    window: Mapping[str, str]
    counts: Mapping[str, Counts]
    reasons: Mapping[str, Mapping[str, int]]
    results: tuple[Result, ...]

    @property
    def blocking(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.is_blocking)

    def failures(self, severity: Severity) -> int:
        return sum(result.weight is severity for result in self.results)

    def to_json(self) -> dict[str, Any]:
        return {
            **self.summary(),
            "model": self.model,
            "window": dict(self.window),
            "reasons": {table: dict(counts) for table, counts in self.reasons.items()},
            "results": [result.to_json() for result in self.results],
        }

    def summary(self) -> dict[str, Any]:
        """The numbers that `dvc metrics` compares between versions."""
        return {
            "outcome": (Outcome.FAILED if self.blocking else Outcome.PASSED).value,
            "tables": {table: counts.to_json() for table, counts in self.counts.items()},
            "rules": {
                "held": sum(result.is_held for result in self.results),
                **{f"failed_{item.value}": self.failures(item) for item in reversed(Severity)},
            },
        }


def count_reasons(results: Iterable[Result]) -> dict[str, int]:
    """How many rows each reason takes out, the most frequent first; a row may have several."""
    counts = {result.reason: len(result.positions) for result in results if result.positions}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
