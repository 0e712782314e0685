"""Does the server say what the version says? Logged rows, asked once more of its own graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.inference.answers import distance
from pipelines.inference.columns import encode_batch
from pipelines.inference.encode import Tensors
from pipelines.monitoring import answers
from pipelines.monitoring.baseline import Baseline
from pipelines.monitoring.columns import Expected
from pipelines.predictions.layout import FEATURE, IMAGE

_MOST_ROWS = 2000


@dataclass(frozen=True)
class Skew:
    """How far logged answers are from those of the graph, on so many rows."""

    rows: int
    distance: float


def skew(sample: pa.Table, expected: Expected, baseline: Baseline) -> Skew | None:
    """Ask some logged rows again; None where not all features are logged as they are.

    Raises:
        CellError: a logged row could not have been answered by the graph at all.
    """
    if not expected.has_all_features or sample.num_rows == 0:
        return None
    some = sample.slice(0, _MOST_ROWS).combine_chunks()
    again = baseline.session.predict(rows_of(some, expected))
    logged = answers.scores_of(some, expected.schema)
    return Skew(some.num_rows, distance(np.asarray(logged), again.scores, expected.schema.task))


def rows_of(some: pa.Table, expected: Expected) -> Tensors:
    """Logged rows as the graph takes them; all features must be logged as they are.

    Raises:
        CellError: one of them is none that the graph could have been given.
    """
    columns = {}
    if expected.has_image:
        names = expected.schema.numbers
        pixels = some.column(IMAGE).combine_chunks().flatten().to_numpy(zero_copy_only=False)
        matrix = pixels.reshape(-1, len(names)).astype(np.float64)
        columns = {name: pa.array(matrix[:, place]) for place, name in enumerate(names)}
    for name in (*expected.numbers, *expected.categories):
        columns[name] = some.column(FEATURE + name).combine_chunks()
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    return encode_batch(expected.schema, batch)
