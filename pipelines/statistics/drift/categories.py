"""Names against a reference: which of them are compared, and a p-value.

Names that are rare in the reference, and those that it does not have, are one: a thousand tail
numbers that were seen once each are no thousand measurements, and every test of them would only
measure how small the sample was.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import special

from pipelines.statistics.arrays import Indices

FEWEST = 5


def pooled(
    reference: Mapping[str, int], window: Mapping[str, int], fewest: int = FEWEST
) -> tuple[Indices, Indices]:
    """The counts of both over the same names, the rare and unknown ones as the last.

    Args:
        reference, window: how often each name is there.
        fewest: a name with fewer in the reference is rare. The reference alone decides, so that
            what is seen has no say in how it is measured.

    Returns:
        Two rows of shape (names,).
    """
    names = [name for name, count in reference.items() if count >= fewest]
    common = set(names)
    rest = sum(count for name, count in reference.items() if name not in common)
    unknown = sum(count for name, count in window.items() if name not in common)
    known = np.array([*(reference[name] for name in names), rest], dtype=np.int64)
    seen = np.array([*(window.get(name, 0) for name in names), unknown], dtype=np.int64)
    return known, seen


def homogeneity_p(reference: Indices, window: Indices) -> float:
    """p-value of H0: both are samples of one distribution (Wilks's likelihood ratio, 1938).

    Names that neither has are no part of the question.
    """
    table = np.array([reference, window], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    totals = table.sum(axis=1)
    if table.shape[1] < 2 or not totals.all():
        return 1.0
    expected = np.outer(totals, table.sum(axis=0)) / totals.sum()
    ratio = np.divide(table, expected, out=np.ones_like(table), where=table > 0)
    statistic = 2 * float(np.sum(table * np.log(ratio)))
    return float(special.gammaincc((table.shape[1] - 1) / 2, max(statistic, 0.0) / 2))
