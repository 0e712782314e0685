"""`predict_file`: batches in, encoded and scored side by side, out in their order."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.errors import DataError
from pipelines.inference.columns import encode_batch
from pipelines.inference.session import ModelSession, Prediction
from pipelines.scoring import answers
from pipelines.scoring.sink import check_target, writing
from pipelines.scoring.source import open_source
from pipelines.serving import release

BATCH_ROWS = 65_536
# Rows in one call of the graph: its one-hot columns then fit into the cache of a core.
SLICE_ROWS = 2048
ROW = pa.field("row", pa.int64())
MODEL = pa.field("model", pa.string())


@dataclass(frozen=True)
class ScoringResult:
    """How many rows were scored, and how many seconds that took."""

    rows: int
    seconds: float


def predict_file(  # noqa: PLR0913 (what has a default need not be given)
    source: Path | str,
    out: Path,
    folder: Path,
    *,
    name: str | None = None,
    keep: Sequence[str] = (),
    batch_rows: int = BATCH_ROWS,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> ScoringResult:
    """Score every row of a CSV or Parquet file with the model in `folder`.

    Args:
        source: the rows; columns that the model does not know are ignored.
        out: a .csv or .parquet file: `row` (from 0), the columns of `keep`, the columns of
            `answers.layout`, and `model`. It appears when it is whole; on any error there is
            none, or the one there was before.
        folder: holds model.onnx and signature.json.
        name: what `model` says in each row, as "flights@v3". If nobody knows, the version of a
            packaged model, or the name and the digest of the graph.
        keep: columns of `source` to carry over.
        batch_rows: how many rows are in memory at once, per core.
        on_progress: called after each batch with the rows done, and all rows if that is known.

    Raises:
        ModelError: `folder` is not a model folder.
        DataError: the source or the output cannot be used.
        CellError: a value cannot be used; names the row, from 0, and the column.
    """
    started = time.monotonic()
    source = Path(source)
    model = ModelSession.open(folder)
    schema = model.signature.schema
    answered = [*answers.layout(schema), MODEL]
    _check(source, out, keep, [ROW.name, *(field.name for field in answered)], batch_rows)
    opened = open_source(source, schema, keep, batch_rows)
    layout = pa.schema([ROW, *opened.kept, *answered])
    name, done = name or _identity(model, folder), 0
    with writing(out, layout) as writer:
        for batch, prediction in _score(model, opened.batches()):
            kept = [batch.column(field.name) for field in opened.kept]
            told = answers.columns(schema, prediction)
            writer.write_batch(_rows(done, [*kept, *told], layout, name))
            done += batch.num_rows
            if on_progress is not None:
                on_progress(done, opened.rows)
    return ScoringResult(done, time.monotonic() - started)


def _check(
    source: Path, out: Path, keep: Sequence[str], own: Sequence[str], batch_rows: int
) -> None:
    check_target(out)
    if out.exists() and source.exists() and out.samefile(source):
        raise DataError(
            "the output would replace the input", where=str(out), next_step="name another file"
        )
    taken = [column for column in keep if column in own]
    if taken or len(set(keep)) != len(keep):
        raise DataError(
            f"{', '.join(taken or keep)}: a column of the output already has this name",
            where="keep",
            next_step="rename the column in the input, or do not keep it",
        )
    if batch_rows < 1:
        raise DataError(
            "must be at least 1", where=f"batch_rows {batch_rows}", next_step="raise it"
        )


def _score(
    model: ModelSession, batches: Iterable[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch, Prediction]]:
    """Score batches on every core, in order, with a bounded number of them in memory.

    Threads suffice: ONNX Runtime and Arrow let go of the interpreter while they work.
    """
    cores = _cores()
    waiting: deque[tuple[pa.RecordBatch, Future[Prediction]]] = deque()
    first_row = 0
    with ThreadPoolExecutor(cores) as pool:
        try:
            for batch in batches:
                waiting.append((batch, pool.submit(_score_batch, model, batch, first_row)))
                first_row += batch.num_rows
                if len(waiting) > cores:
                    scored, future = waiting.popleft()
                    yield scored, future.result()
            for scored, future in waiting:
                yield scored, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _cores() -> int:
    """The cores that this process may use, where the system tells; else all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _score_batch(model: ModelSession, batch: pa.RecordBatch, first_row: int) -> Prediction:
    tensors = encode_batch(model.signature.schema, batch, first_row)
    parts = [
        model.predict(
            {name: tensor[start : start + SLICE_ROWS] for name, tensor in tensors.items()}
        )
        for start in range(0, batch.num_rows, SLICE_ROWS)
    ]
    return Prediction(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _rows(first_row: int, columns: list[pa.Array], layout: pa.Schema, name: str) -> pa.RecordBatch:
    count = len(columns[-1])
    numbers = pa.array(np.arange(first_row, first_row + count))
    named = pa.repeat(pa.scalar(name), count)
    return pa.RecordBatch.from_arrays([numbers, *columns, named], schema=layout)


def _identity(model: ModelSession, folder: Path) -> str:
    """`flights@v3` for a packaged model, `flights@` and the graph's digest for another."""
    signature = model.signature
    if (folder / release.RELEASE_FILE).exists():
        return f"{signature.model}@{release.read(folder).version}"
    return f"{signature.model}@{signature.sha256[:12]}"
