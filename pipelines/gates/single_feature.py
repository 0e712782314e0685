"""One feature that gives the answer away is a leak, not a discovery."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.gates.evidence import Holdout, plain
from pipelines.gates.usable import MINIMUM_CLASS_ROWS
from pipelines.settings import GateSettings
from pipelines.statistics.arrays import Array, Floats
from pipelines.statistics.auc import auc
from pipelines.statistics.calibration import equal_mass_bins
from pipelines.verdicts import Outcome, Verdict

_FOLDS = 5
_BINS = 32


def judge_single_features(holdout: Holdout, settings: GateSettings) -> Verdict:
    """FAILED when a feature alone reaches an AUC above `leak_auc`.

    Numbers are read by rank, in both directions, and by bins with missing as a bin of its own,
    which finds leaks through missingness and through values in the middle. Strings are read by
    the rate of the event for each value. Rates are cross-fitted: a value's rate comes from other
    rows than the ones it is applied to, so an identifier does not look like an oracle.
    """
    name = "single features"
    if not holdout.features:
        return Verdict(name, Outcome.INCONCLUSIVE, "no features were given to look at")
    found = {
        column: max(_readings(holdout.labels, values, settings.seed))
        for column, values in holdout.features.items()
    }
    strongest = max(found, key=lambda column: found[column])
    evidence = {"leak_auc": settings.leak_auc, "auc": {c: plain(v) for c, v in found.items()}}
    leaking = sorted(column for column, value in found.items() if value > settings.leak_auc)
    if leaking:
        reason = f"{', '.join(leaking)} alone: AUC {found[strongest]:.4f} > {settings.leak_auc}"
        return Verdict(name, Outcome.FAILED, reason, evidence)
    reason = f"the strongest, {strongest}, has AUC {found[strongest]:.4f}"
    return Verdict(name, Outcome.PASSED, reason, evidence)


def _readings(labels: Floats, values: Array, seed: int) -> Iterator[float]:
    if values.dtype.kind not in "fiub":
        yield auc(labels, cross_fitted_rate(labels, values.astype(str), seed))
        return
    numbers = values.astype(np.float64)
    is_known = np.isfinite(numbers)
    known = labels[is_known]
    bins = np.full(labels.size, -1)
    if is_known.any():
        bins[is_known] = equal_mass_bins(numbers[is_known], _BINS)
    yield auc(labels, cross_fitted_rate(labels, bins, seed))
    if min(known.sum(), known.size - known.sum()) >= MINIMUM_CLASS_ROWS:
        by_rank = auc(known, numbers[is_known])
        yield max(by_rank, 1 - by_rank)


def cross_fitted_rate(labels: Floats, categories: Array, seed: int) -> Floats:
    """The rate of the event for each row's category, learned from the other folds.

    Args:
        labels: shape (rows,), 0 or 1.
        categories: shape (rows,), anything sortable.
        seed: of the assignment to folds, which is stratified by label.

    Returns:
        Shape (rows,). A category that no other fold has gets the overall rate, the same constant
        in every fold: a rate of the other folds would tell the fold's own labels by contrast.
    """
    _, category = np.unique(categories, return_inverse=True)
    fold = np.empty(labels.size, dtype=np.int64)
    generator = np.random.default_rng(seed)
    for label in (0, 1):
        members = generator.permutation(np.flatnonzero(labels == label))
        fold[members] = np.arange(members.size) % _FOLDS
    cells = (int(category.max()) + 1, _FOLDS)
    positives, rows = np.zeros(cells), np.zeros(cells)
    np.add.at(positives, (category, fold), labels)
    np.add.at(rows, (category, fold), 1.0)
    others_positive = positives.sum(axis=1, keepdims=True) - positives
    others = rows.sum(axis=1, keepdims=True) - rows
    # One row's worth of the overall rate keeps a category of two rows from speaking as one of 200.
    rate = (others_positive + labels.mean()) / (others + 1)
    return np.asarray(rate[category, fold], dtype=np.float64)
