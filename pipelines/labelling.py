"""A file of labels goes into the feedback store of a model, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from pipelines.predictions.feedback import Feedback, require_usable
from pipelines.predictions.labels import LABEL
from pipelines.predictions.layout import REQUEST_ID, ROW
from pipelines.schema import Schema
from pipelines.scoring.header import read_csv_header
from pipelines.scoring.source import open_source

_BATCH_ROWS = 1 << 16
_CLOSE_SECONDS = 60.0


class LabelBatch(NamedTuple):
    """Some rows of a file of labels, as `Feedback.add` takes them, unchecked."""

    request_ids: list[object]
    labels: list[object]
    rows: list[object] | None


class LabellingResult(NamedTuple):
    """How many labels were kept, and where."""

    labels: int
    folder: Path


def label_file(path: Path, folder: Path, schema: Schema) -> LabellingResult:
    """Add the labels of a CSV or Parquet file.

    Args:
        path: with the columns request_id, label and, for requests of several rows, row.
        folder: of the feedback store.
        schema: of the model that is told.

    Raises:
        DataError: the file is missing, cut off, empty, not UTF-8, or lacks a column.
        CellError: a value in it cannot be used; names row and column.
        LogError: the labels could not be written.
    """
    # Read twice: what is wrong with the last row must be known before the first is kept.
    first_row = 0
    for batch in read_feedback_file(path):
        require_usable(*batch, schema, first_row)
        first_row += len(batch.labels)
    kept = 0
    feedback = Feedback.open(folder, schema)
    try:
        for batch in read_feedback_file(path):
            feedback.add(*batch)
            kept += len(batch.labels)
    finally:
        feedback.close(_CLOSE_SECONDS)
    return LabellingResult(kept, folder)


def read_feedback_file(path: Path) -> Iterator[LabelBatch]:
    """The labels in a CSV or Parquet file, some ten thousand at a time.

    Raises:
        DataError: the file is missing, cut off, empty, not UTF-8, or lacks a column.
    """
    source = open_source(path, _columns(has_rows=False), (), _BATCH_ROWS)
    if ROW in _present(path):
        source = open_source(path, _columns(has_rows=True), (), _BATCH_ROWS)
    for batch in source.batches():
        yield LabelBatch(
            batch.column(REQUEST_ID).to_pylist(),
            batch.column(LABEL).to_pylist(),
            _whole(batch.column(ROW).to_pylist()) if ROW in batch.schema.names else None,
        )


def _columns(*, has_rows: bool) -> Schema:
    """What the file has, in the words of the reader that scoring uses."""
    numbers = (ROW,) if has_rows else ()
    return Schema(numbers=numbers, categories=(REQUEST_ID, LABEL), target="")


def _present(path: Path) -> list[str]:
    if path.suffix.lower() == ".csv":
        return read_csv_header(path)
    names: list[str] = pq.read_schema(path).names
    return names


def _whole(values: list[object]) -> list[object]:
    # CSV gives every number as a float64.
    return [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
