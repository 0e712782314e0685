"""A sample of a window beside the reference, as frames: what Evidently and plots are made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.monitoring.baseline import Baseline
from pipelines.monitoring.columns import Expected
from pipelines.monitoring.comparing import CategoryReference, NumberReference, Reference
from pipelines.monitoring.drift import Shift
from pipelines.monitoring.evidently_report import Compared
from pipelines.monitoring.profile import compared as columns_of

_MOST_REFERENCE = 5000


def side_by_side(
    sample: pa.Table, expected: Expected, baseline: Baseline, shifts: Sequence[Shift]
) -> Compared:
    """The columns of a sample beside those of the reference, the farthest from it first."""
    found = dict(columns_of(sample.combine_chunks(), expected, baseline))
    order = [shift.name for shift in shifts if shift.name in found]
    names = [*order, *(name for name in found if name not in order)]
    numbers = tuple(n for n in names if isinstance(baseline.references[n], NumberReference))
    current = {name: _plain(found[name]) for name in names}
    reference = {name: values_of(baseline.references[name]) for name in names}
    rows = min(_MOST_REFERENCE, max(map(len, reference.values())))
    return Compared(
        pd.DataFrame(current),
        pd.DataFrame({name: _drawn(values, rows) for name, values in reference.items()}),
        numbers,
        tuple(name for name in names if name not in numbers),
    )


def values_of(reference: Reference) -> np.ndarray:
    """The values of a reference, sorted: which row they were in is not kept."""
    if isinstance(reference, CategoryReference):
        names = np.array(list(reference.counts), dtype=object)
        return np.repeat(names, list(reference.counts.values()))
    return np.repeat(reference.steps.points, reference.steps.counts)


def _drawn(values: np.ndarray, rows: int) -> np.ndarray:
    """So many of the values, evenly; all columns of a frame are of one length."""
    if not len(values):
        return np.full(rows, np.nan, dtype=object if values.dtype == object else np.float64)
    return values[np.linspace(0, len(values) - 1, rows).round().astype(np.int64)]


def _plain(values: object) -> object:
    return values.to_pandas() if isinstance(values, pa.Array | pa.ChunkedArray) else values
