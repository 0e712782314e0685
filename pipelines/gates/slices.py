"""Does the challenger fail a part of the rows while it holds up on the whole?

The reasoning behind the rule is in docs/adr/0005-slice-gate.md. In short, for each slice with
enough rows the loss is AUC(champion) - AUC(challenger) on its rows, and over all those slices:

- harmed: H0 "the loss is within the margin" is rejected (Benjamini-Hochberg at alpha) -> FAILED;
- cleared: H0 "the loss is at least the margin" is rejected, likewise;
- open: neither. An open slice blocks when the test could have cleared it, or when its observed
  loss is beyond the margin; one that nobody could have cleared at its size is only reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.gates import differences
from pipelines.gates.evidence import Paired
from pipelines.gates.usable import lacking
from pipelines.settings import GateSettings
from pipelines.statistics.arrays import Array, Mask
from pipelines.statistics.estimate import Estimate
from pipelines.statistics.multiplicity import rejected
from pipelines.statistics.power import detectable_distance
from pipelines.verdicts import Outcome, Verdict

POOLED = "(all smaller ones)"


@dataclass(frozen=True)
class _Slice:
    name: str
    positives: int
    negatives: int
    estimate: Estimate


@dataclass(frozen=True)
class _Finding:
    """A slice with what the tests over all slices say of it."""

    slice: _Slice
    is_harmed: bool
    is_cleared: bool
    is_testable: bool

    @property
    def is_open(self) -> bool:
        return not (self.is_harmed or self.is_cleared)

    def to_json(self, alpha: float) -> dict[str, Any]:
        return {
            "slice": self.slice.name,
            "positives": self.slice.positives,
            "negatives": self.slice.negatives,
            "difference": differences.described(self.slice.estimate, alpha),
            "is_harmed": self.is_harmed,
            "is_cleared": self.is_cleared,
            "is_testable": self.is_testable,
        }


def judge_slices(paired: Paired, columns: Mapping[str, Array], settings: GateSettings) -> Verdict:
    """Judge every value of the columns given; see the module for the rule."""
    return _judge("slices", paired, columns, settings)


def judge_fairness(paired: Paired, columns: Mapping[str, Array], settings: GateSettings) -> Verdict:
    """The same test on the columns that `fairness` declares, where every open group blocks.

    Who declares a group wants an answer for it, so "could not tell" is not let through.
    """
    missing = sorted(set(settings.fairness) - set(columns))
    if missing:
        reason = f"declared, and not among the holdout's slices: {', '.join(missing)}"
        return Verdict("fairness", Outcome.INCONCLUSIVE, reason)
    declared = {name: columns[name] for name in settings.fairness}
    return _judge("fairness", paired, declared, settings, is_strict=True)


def _judge(
    name: str,
    paired: Paired,
    columns: Mapping[str, Array],
    settings: GateSettings,
    is_strict: bool = False,
) -> Verdict:
    tested, reported = _divide(paired, columns, settings)
    findings = _findings(tested, settings)
    evidence = {
        "slice_margin": settings.slice_margin,
        "slice_positives": settings.slice_positives,
        "tested": [finding.to_json(settings.alpha) for finding in findings],
        "reported_only": reported,
    }
    if not findings:
        reason = f"no slice has {settings.slice_positives} rows of each class in enough blocks"
        return Verdict(name, Outcome.INCONCLUSIVE, reason, evidence)
    harmed = [finding.slice for finding in findings if finding.is_harmed]
    if harmed:
        reason = f"worse by more than {settings.slice_margin}: {_listed(harmed)}"
        return Verdict(name, Outcome.FAILED, reason, evidence)
    blocking = [
        finding.slice
        for finding in findings
        if finding.is_open
        and (
            is_strict
            or finding.is_testable
            or finding.slice.estimate.value < -settings.slice_margin
        )
    ]
    if blocking:
        reason = f"may be worse by more than {settings.slice_margin}: {_listed(blocking)}"
        return Verdict(name, Outcome.INCONCLUSIVE, reason, evidence)
    cleared = sum(finding.is_cleared for finding in findings)
    reason = f"{cleared} of {len(findings)} slices cleared, none worse, {len(reported)} too small"
    return Verdict(name, Outcome.PASSED, reason, evidence)


def _divide(
    paired: Paired, columns: Mapping[str, Array], settings: GateSettings
) -> tuple[list[_Slice], list[dict[str, Any]]]:
    """Slices that can be tested, and the names and sizes of those that cannot."""
    tested, reported = [], []
    for name, mask in _members(paired, columns, settings):
        part = paired.where(mask)
        if _is_large(part, settings):
            estimate = differences.auc(part, settings)
            tested.append(_Slice(name, part.positives, part.negatives, estimate))
        else:
            reported.append(
                {"slice": name, "positives": part.positives, "negatives": part.negatives}
            )
    return tested, reported


def _members(
    paired: Paired, columns: Mapping[str, Array], settings: GateSettings
) -> Iterator[tuple[str, Mask]]:
    """Every value of every column; the small ones of a column also together, as one slice."""
    for column, values in columns.items():
        distinct, of_row = np.unique(values, return_inverse=True)
        is_small = np.zeros(values.size, dtype=bool)
        small = 0
        for index, value in enumerate(distinct):
            mask = of_row == index
            if not _is_large(paired.where(mask), settings):
                is_small |= mask
                small += 1
            yield f"{column}={value}", mask
        if small > 1:
            yield f"{column}={POOLED}", is_small


def _is_large(part: Paired, settings: GateSettings) -> bool:
    smaller = min(part.positives, part.negatives)
    return smaller >= settings.slice_positives and not lacking(part)


def _findings(tested: Sequence[_Slice], settings: GateSettings) -> list[_Finding]:
    if not tested:
        return []
    estimates = [part.estimate for part in tested]
    margin, alpha = settings.slice_margin, settings.alpha
    is_harmed = rejected(np.array([one.p_below(-margin) for one in estimates]), alpha)
    is_cleared = rejected(np.array([one.p_above(-margin) for one in estimates]), alpha)
    # All of them together should be cleared with the power asked for, if nothing is wrong.
    power_each = settings.power ** (1 / len(tested))
    return [
        _Finding(
            part,
            bool(is_harmed[index]),
            bool(is_cleared[index]),
            detectable_distance(part.estimate, alpha, power_each) <= margin,
        )
        for index, part in enumerate(tested)
    ]


def _listed(slices: Sequence[_Slice]) -> str:
    worst = sorted(slices, key=lambda part: part.estimate.value)
    shown = ", ".join(f"{part.name} ({part.estimate.value:+.3f})" for part in worst[:5])
    return shown + (f" and {len(worst) - 5} more" if len(worst) > 5 else "")
