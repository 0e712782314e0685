"""Does the challenger fail a part of the rows while it holds up on the whole?

The reasoning behind the rule is in docs/adr/0005-slice-gate.md. In short, for each slice with
enough rows the loss is how much worse the challenger's measure is than the champion's on its rows,
and over all those slices:

- harmed: H0 "the loss is within the margin" is rejected (Benjamini-Hochberg at alpha) -> FAILED;
- cleared: H0 "the loss is at least the margin" is rejected, likewise;
- open: neither. An open slice blocks when the test could have cleared it, or when its observed
  loss is beyond the margin; one that nobody could have cleared at its size is only reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.gates import differences
from pipelines.gates.evidence import Paired, supporting
from pipelines.gates.usable import lacking
from pipelines.settings import GateSettings
from pipelines.statistics.arrays import Array
from pipelines.statistics.estimate import Estimate
from pipelines.statistics.multiplicity import rejected
from pipelines.statistics.power import detectable_distance
from pipelines.verdicts import Outcome, Verdict

POOLED = "(all smaller ones)"
# A column may have thousands of rare values; their names would bury the rest of the evidence.
_REPORTED = 50


@dataclass(frozen=True)
class _Slice:
    name: str
    support: Mapping[str, int]
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
            "rows": dict(self.slice.support),
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
        "reported_only": reported[:_REPORTED],
        "reported_only_count": len(reported),
    }
    if not findings:
        kinds = " and ".join(paired.support)
        reason = f"no slice has {settings.slice_positives} {kinds} rows in enough blocks"
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
    """Slices that can be tested, and the names and sizes of those that cannot, largest first."""
    tested: list[_Slice] = []
    reported: list[dict[str, Any]] = []
    for column, values in columns.items():
        # Columns of Python objects may mix text with None, which has no order to be found by.
        sortable = values.astype(str) if values.dtype.kind == "O" else values
        distinct, of_row = np.unique(sortable, return_inverse=True)
        counts = {
            kind: np.bincount(of_row, mask, minlength=distinct.size).astype(np.int64)
            for kind, mask in supporting(paired.task, paired.labels).items()
        }
        fewest = np.minimum.reduce(list(counts.values()))
        is_small = np.ones(distinct.size, dtype=bool)
        for index in np.flatnonzero(fewest >= settings.slice_positives):
            part = paired.where(of_row == index)
            if not lacking(part):
                is_small[index] = False
                tested.append(_tested(f"{column}={distinct[index]}", part, settings))
        reported += [
            {
                "slice": f"{column}={distinct[index]}",
                "rows": {kind: int(count[index]) for kind, count in counts.items()},
            }
            for index in np.flatnonzero(is_small)
        ]
        pool = paired.where(is_small[of_row])
        if is_small.sum() > 1 and _is_large(pool, settings):
            tested.append(_tested(f"{column}={POOLED}", pool, settings))
    return tested, sorted(reported, key=lambda small: -min(small["rows"].values()))


def _tested(name: str, part: Paired, settings: GateSettings) -> _Slice:
    return _Slice(name, part.support, differences.quality(part, settings))


def _is_large(part: Paired, settings: GateSettings) -> bool:
    return min(part.support.values()) >= settings.slice_positives and not lacking(part)


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
