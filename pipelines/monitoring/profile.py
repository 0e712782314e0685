"""One pass over a window: every column against its reference, and a sample of whole rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.monitoring import answers
from pipelines.monitoring.baseline import Baseline
from pipelines.monitoring.columns import LATENCY, Expected
from pipelines.monitoring.comparing import CategoryReference, NumberReference, Seen
from pipelines.monitoring.windows import Frozen, row_bytes
from pipelines.predictions.layout import FEATURE, IMAGE, OUTPUT
from pipelines.schema import LABEL
from pipelines.statistics.arrays import Floats

_BATCH_BYTES = 16 << 20
_SAMPLE_BYTES = 64 << 20


@dataclass(frozen=True)
class Profile:
    """What a window looks like.

    Attributes:
        rows: answers in it.
        seen: by column, as in `Baseline.references`; only those that are logged.
        sample: some of its rows, drawn evenly, with the columns of the frozen window.
        invalid_answers: rows whose answer is not a number.
        slow_us: the median and the 99th percentile of the latency in the sample, microseconds;
            None without a row.
    """

    rows: int
    seen: Mapping[str, Seen]
    sample: pa.Table
    invalid_answers: int
    slow_us: tuple[float, float] | None


def profile(
    frozen: Frozen, expected: Expected, baseline: Baseline, sample_rows: int, seed: int
) -> Profile:
    """Read a frozen window once, in portions of bounded size.

    Args:
        frozen: the window.
        expected: which columns it has.
        baseline: what they are compared with.
        sample_rows: how many rows to draw, at most.
        seed: of that draw; the same window gives the same sample.
    """
    width = row_bytes(expected.frozen)
    most = min(sample_rows, max(1, _SAMPLE_BYTES // width))
    chosen = np.sort(np.random.default_rng(seed).permutation(frozen.rows)[:most])
    seen: dict[str, Seen] = {}
    parts, invalid, begin = [], 0, 0
    with pq.ParquetFile(frozen.path) as file:
        for portion in file.iter_batches(max(256, min(1 << 16, _BATCH_BYTES // width))):
            # DuckDB writes lists of one length as lists of any.
            batch = portion.cast(expected.frozen)
            for name, found in _columns(batch, expected, baseline):
                earlier = seen.get(name)
                seen[name] = found if earlier is None else earlier + found  # type: ignore[operator]
            invalid += _invalid(batch, baseline)
            inside = chosen[(chosen >= begin) & (chosen < begin + batch.num_rows)]
            parts.append(batch.take(pa.array(inside - begin)))
            begin += batch.num_rows
    sample = pa.Table.from_batches(parts, schema=expected.frozen)
    return Profile(frozen.rows, seen, sample, invalid, _latency(sample))


def compared(
    batch: pa.RecordBatch | pa.Table, expected: Expected, baseline: Baseline
) -> Iterator[tuple[str, Floats | pa.Array]]:
    """The columns that are compared: numbers with NaN, names with null, where one is missing."""
    for name in expected.numbers:
        yield f"feature {name}", _floats(batch.column(FEATURE + name))
    for name in expected.categories:
        yield f"feature {name}", batch.column(FEATURE + name)
    if expected.has_image and baseline.projector is not None:
        pixels = _whole(batch.column(IMAGE)).flatten().to_numpy(zero_copy_only=False)
        measured = baseline.projector(pixels.reshape(-1, len(expected.schema.numbers)))
        yield from ((f"image {name}", values) for name, values in measured.items())
    schema = expected.schema
    scores = answers.scores_of(batch, schema)
    if schema.task == "multiclass":
        yield f"output {answers.CONFIDENCE}", scores.max(axis=1)
        yield f"output {LABEL}", batch.column(OUTPUT + LABEL)
    else:
        name = next(iter(expected.outputs)).removeprefix(OUTPUT)
        yield f"output {name}", scores


def _columns(
    batch: pa.RecordBatch, expected: Expected, baseline: Baseline
) -> Iterator[tuple[str, Seen]]:
    for name, values in compared(batch, expected, baseline):
        reference = baseline.references[name]
        if isinstance(reference, NumberReference):
            yield name, reference.see(np.asarray(values))
        elif isinstance(reference, CategoryReference):
            counted = pc.value_counts(values).to_pylist()
            counts = {each["values"]: each["counts"] for each in counted}
            missing = counts.pop(None, 0)
            yield name, reference.see(counts, missing)


def _invalid(batch: pa.RecordBatch, baseline: Baseline) -> int:
    scores = answers.scores_of(batch, baseline.schema)
    finite = np.isfinite(scores)
    return int((~(finite if finite.ndim == 1 else finite.all(axis=1))).sum())


def _latency(sample: pa.Table) -> tuple[float, float] | None:
    if sample.num_rows == 0:
        return None
    known = sample.column(LATENCY).to_numpy()
    return float(np.quantile(known, 0.5)), float(np.quantile(known, 0.99))


def _floats(column: pa.Array | pa.ChunkedArray) -> Floats:
    return np.asarray(_whole(column).to_numpy(zero_copy_only=False), dtype=np.float64)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
