"""What the servers answered to some requests, from the prediction log."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.errors import LogError
from pipelines.predictions import read
from pipelines.predictions.layout import OUTPUT, REQUEST_ID, ROW
from pipelines.schema import Schema, Task

LABEL = f"{OUTPUT}label"
SCORE: Mapping[Task, str] = {
    "binary": f"{OUTPUT}probability",
    "multiclass": f"{OUTPUT}probabilities",
    "regression": f"{OUTPUT}value",
}
_META = (REQUEST_ID, ROW, "version", "is_shadow", "latency_us")


@dataclass(frozen=True, slots=True)
class Answer:
    """One version's answer to one request.

    Attributes:
        latency_ms: as the server measured it.
        rows: the places of its rows in the request, ascending.
        labels: a text for each row: a class by its name, an event as 0 or 1; empty for a value.
        scores: float64, shape (rows, 1), or (rows, classes) for several classes.
    """

    latency_ms: float
    rows: tuple[int, ...]
    labels: tuple[str, ...]
    scores: NDArray[np.float64]


# By request, version, and whether it was a mirrored copy.
Key = tuple[str, str, bool]


def of_requests(
    folder: Path, schema: Schema, wanted: Collection[str], since: float, until: float
) -> dict[Key, Answer]:
    """The answers to some requests.

    Args:
        folder: the prediction log of the model; nothing was answered where there is none.
        schema: of the model; both versions answer the same task.
        wanted: ids of requests; memory grows with their rows.
        since, until: unix seconds between which the servers got them.

    Raises:
        LogError: the log cannot be read.
    """
    if not wanted or not folder.is_dir():
        return {}
    ids = pa.array(sorted(wanted), pa.string())
    parts: dict[Key, list[_Row]] = {}
    for batch in read.batches(folder, moment(since), moment(until), _columns(schema)):
        chosen = batch.filter(pc.is_in(batch.column(REQUEST_ID), value_set=ids))
        for key, row in _rows(chosen, schema, folder):
            parts.setdefault(key, []).append(row)
    return {key: _answer(rows) for key, rows in parts.items()}


def moment(seconds: float) -> datetime:
    """Unix seconds as the logs are asked."""
    return datetime.fromtimestamp(seconds, UTC)


_Row = tuple[int, float, str, NDArray[np.float64]]


def _columns(schema: Schema) -> list[str]:
    label = () if schema.task == "regression" else (LABEL,)
    return [*_META, *label, SCORE[schema.task]]


def _rows(batch: pa.RecordBatch, schema: Schema, folder: Path) -> Iterator[tuple[Key, _Row]]:
    if batch.num_rows == 0:
        return
    columns = {name: batch.column(name) for name in batch.schema.names}
    missing = [name for name in _columns(schema) if name not in columns]
    if missing:
        raise LogError(
            f"answers without {', '.join(missing)}",
            where=str(folder),
            next_step="two versions of one model answer the same task; give the other one a name "
            "of its own",
        )
    scores = _matrix(columns[SCORE[schema.task]])
    empty = [""] * batch.num_rows
    labels = columns[LABEL].to_pylist() if LABEL in columns else empty
    meta = (columns[name].to_pylist() for name in _META)
    for at, (request, row, version, is_shadow, latency) in enumerate(zip(*meta, strict=True)):
        yield (request, version, is_shadow), (row, latency / 1000, str(labels[at]), scores[at])


def _matrix(column: Any) -> NDArray[np.float64]:
    """Scores, shape (rows, values of a row); null is no number."""
    if pa.types.is_fixed_size_list(column.type):
        width = column.type.list_size
        flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
        if len(flat) == len(column) * width:
            return flat.reshape(-1, width)
        # Arrow leaves out the values of a list that is null itself.
        rows = [[np.nan] * width if row is None else row for row in column.to_pylist()]
        return np.array(rows, dtype=np.float64)
    return column.to_numpy(zero_copy_only=False).astype(np.float64).reshape(-1, 1)


def _answer(rows: list[_Row]) -> Answer:
    rows.sort(key=lambda row: row[0])
    return Answer(
        latency_ms=rows[0][1],
        rows=tuple(row[0] for row in rows),
        labels=tuple(row[2] for row in rows),
        scores=np.array([row[3] for row in rows]),
    )
