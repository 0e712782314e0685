"""One feature that gives the answer away is a leak, not a discovery."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.gates.evidence import Holdout, plain
from pipelines.gates.usable import MINIMUM_CLASS_ROWS
from pipelines.schema import Task
from pipelines.settings import GateSettings
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.auc import auc
from pipelines.statistics.calibration import equal_mass_bins
from pipelines.verdicts import Outcome, Verdict

_FOLDS = 5
_BINS = 32
_STRENGTHS: dict[Task, str] = {
    "binary": "AUC",
    "multiclass": "share of the errors avoided",
    "regression": "share of the variance explained",
}


def judge_single_features(holdout: Holdout, settings: GateSettings) -> Verdict:
    """FAILED when a feature alone reaches a strength above `leak_auc`.

    The strength is the AUC; for several classes the share of the commonest class's errors that
    the feature avoids; for a regression R squared. Numbers are read by bins, with missing as a
    bin of its own, which finds leaks through missingness and through values in the middle, and
    for two classes also by rank, in both directions. Strings are read by value. What a bin or
    value says is cross-fitted: it comes from other rows than the ones it is applied to, so an
    identifier does not look like an oracle.
    """
    name = "single features"
    if not holdout.features:
        return Verdict(name, Outcome.INCONCLUSIVE, "no features were given to look at")
    found = {
        column: max(_readings(holdout, values, settings.seed))
        for column, values in holdout.features.items()
    }
    strongest = max(found, key=lambda column: found[column])
    kind = _STRENGTHS[holdout.task]
    evidence = {
        "limit": settings.leak_auc,
        "strength": kind,
        "strongest": dict(sorted(((c, plain(v)) for c, v in found.items()), key=_weakest)[-20:]),
    }
    leaking = sorted(column for column, value in found.items() if value > settings.leak_auc)
    if leaking:
        reason = f"{', '.join(leaking)} alone: {kind} {found[strongest]:.4f} > {settings.leak_auc}"
        return Verdict(name, Outcome.FAILED, reason, evidence)
    reason = f"the strongest, {strongest}, has the {kind} {found[strongest]:.4f}"
    return Verdict(name, Outcome.PASSED, reason, evidence)


def _weakest(item: tuple[str, float | None]) -> float:
    return -1.0 if item[1] is None else item[1]


def _readings(holdout: Holdout, values: Array, seed: int) -> Iterator[float]:
    labels = holdout.labels
    if values.dtype.kind not in "fiub":
        yield _strength(holdout, values.astype(str), seed)
        return
    numbers = values.astype(np.float64)
    is_known = np.isfinite(numbers)
    known = labels[is_known]
    bins = np.full(labels.size, -1)
    if is_known.any():
        bins[is_known] = equal_mass_bins(numbers[is_known], _BINS)
    yield _strength(holdout, bins, seed)
    if holdout.task != "binary":
        return
    if min(known.sum(), known.size - known.sum()) >= MINIMUM_CLASS_ROWS:
        by_rank = auc(known, numbers[is_known])
        yield max(by_rank, 1 - by_rank)


def _strength(holdout: Holdout, categories: Array, seed: int) -> float:
    labels = holdout.labels
    if holdout.task == "binary":
        return auc(labels, cross_fitted(labels, categories, labels, seed)[:, 0])
    if holdout.task == "regression":
        around = labels - labels.mean()
        left = around - cross_fitted(around, categories, labels, seed)[:, 0]
        there = float(np.square(around).sum())
        return 1 - float(np.square(left).sum()) / there if there > 0 else 0.0
    classes = np.unique(labels)
    is_one = (labels[:, None] == classes).astype(np.float64)
    said = cross_fitted(is_one, categories, labels, seed).argmax(axis=1)
    missed = float((classes[said] != labels).mean())
    commonest = float(1 - is_one.mean(axis=0).max())
    return 1 - missed / commonest if commonest > 0 else 0.0


def cross_fitted(targets: Floats, categories: Array, labels: Floats, seed: int) -> Floats:
    """The mean of the targets in each row's category, learned from the other folds.

    Args:
        targets: shape (rows,) or (rows, columns).
        categories: shape (rows,), anything sortable.
        labels: shape (rows,): folds are stratified by it where it has few values.
        seed: of the assignment to folds.

    Returns:
        Shape (rows, columns). A category that no other fold has gets the overall mean, the same
        constant in every fold: a mean of the other folds would tell the fold's own labels by
        contrast.
    """
    targets = targets.reshape(len(targets), -1)
    _, category = np.unique(categories, return_inverse=True)
    fold = _folds(labels, seed)
    cells = (int(category.max()) + 1, _FOLDS)
    totals, rows = np.zeros((*cells, targets.shape[1])), np.zeros(cells)
    np.add.at(totals, (category, fold), targets)
    np.add.at(rows, (category, fold), 1.0)
    others_total = totals.sum(axis=1, keepdims=True) - totals
    others = (rows.sum(axis=1, keepdims=True) - rows)[:, :, None]
    # One row's worth of the overall mean keeps a category of two rows from speaking as one of 200.
    mean = (others_total + targets.mean(axis=0)) / (others + 1)
    return np.asarray(mean[category, fold], dtype=np.float64)


def _folds(labels: Floats, seed: int) -> Array:
    fold = np.empty(labels.size, dtype=np.int64)
    generator = np.random.default_rng(seed)
    distinct = np.unique(labels)
    strata = distinct if distinct.size * _FOLDS <= labels.size else [None]
    for label in strata:
        among = np.ones(labels.size, dtype=bool) if label is None else labels == label
        members = generator.permutation(np.flatnonzero(among))
        fold[members] = np.arange(members.size) % _FOLDS
    return fold
