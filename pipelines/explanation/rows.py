"""Explaining the rows of a file: some of them for a person, all of them for a program."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.errors import DataError
from pipelines.explanation.background import background
from pipelines.explanation.explainer import Explained, Explainer
from pipelines.explanation.values import Value, value_of
from pipelines.inference.columns import encode_batch
from pipelines.inference.session import ModelSession
from pipelines.progress import OnProgress
from pipelines.schema import Schema
from pipelines.scoring.sink import check_target, writing
from pipelines.scoring.source import Source, open_source
from pipelines.signature import Signature

# A row takes some 0.2 s, so that a batch is a matter of seconds; memory is that of a batch.
BATCH_ROWS = 64
_WHERE = "evergreen explain"


@dataclass(frozen=True)
class ExplainedRow:
    """One row of a file with its explanation.

    Attributes:
        row: its number in the file, from 0.
        values: what it has, by feature or patch; None is missing.
        explained: why the model answered so.
    """

    row: int
    values: dict[str, Value]
    explained: Explained

    def to_json(self, schema: Schema, top: int) -> dict[str, Any]:
        """Plain values; what the contributions beyond the `top` largest come to is `others`."""
        found = self.explained
        value: dict[str, Any] = {"row": self.row, "answer": found.answer}
        if found.decided is not None:
            value["class"] = schema.classes[found.decided]
        return {
            **value,
            "base": found.base,
            "contributions": [
                {"feature": name, "value": self.values[name], "contribution": contribution}
                for name, contribution in found.ranked[:top]
            ],
            "others": sum(contribution for _, contribution in found.ranked[top:]),
        }


def explain_rows(
    source: Path, folder: Path, most: int | None, on_progress: OnProgress | None = None
) -> Iterator[ExplainedRow]:
    """Explain the rows of a CSV or Parquet file, the first `most` of them or all, one by one.

    Args:
        source: the rows; columns that the model does not know are not looked at.
        folder: holds model.onnx, signature.json and golden.parquet.
        most: how many rows; None is all.
        on_progress: called after each row with (done, total).

    Raises:
        SettingsError: shap is not installed.
        ModelError: `folder` is not a model folder, or the model cannot be explained.
        DataError: the source cannot be used.
        CellError: a value cannot be used; names the row, from 0, and the column.
    """
    session = ModelSession.open(folder)
    schema = session.signature.schema
    opened = open_source(source, schema, (), BATCH_ROWS)
    explainer = Explainer(session, background(folder, session), _WHERE)
    if most is None:
        total = _look_through(opened, schema)
    else:
        total = most if opened.rows is None else min(most, opened.rows)
    done = 0
    for batch in opened.batches():
        tensors = encode_batch(schema, batch, done)
        for place in range(batch.num_rows):
            if done == most:
                return
            values = {
                name: value_of(schema, tensors, place, columns)
                for name, columns in explainer.players.items()
            }
            yield ExplainedRow(done, values, explainer.explain(tensors, place))
            done += 1
            if on_progress is not None:
                on_progress(done, total)


def explain_file(
    source: Path,
    out: Path,
    folder: Path,
    name: str,
    most: int | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[int, float]:
    """Explain a file into another one, which appears when it is whole.

    Args:
        source, folder, most, on_progress: as in `explain_rows`.
        out: a .csv or .parquet file: the columns of `layout`.
        name: what `model` says in each row, as "flights@v3".

    Returns:
        How many rows were explained, and how many seconds that took.

    Raises:
        As `explain_rows`; DataError also if `out` cannot be written, or is `source`.
    """
    started = time.monotonic()
    check_target(out)
    if out.exists() and source.exists() and out.samefile(source):
        raise DataError(
            "the output would replace the input", where=str(out), next_step="name another file"
        )
    schema, done = Signature.read(folder).schema, 0
    waiting: list[list[Any]] = []
    explained = explain_rows(source, folder, most, on_progress)
    first = next(explained)
    columns = layout(schema, list(first.values))
    with writing(out, columns) as writer:
        waiting.append(_cells(schema, first, name))
        for row in explained:
            waiting.append(_cells(schema, row, name))
            if len(waiting) == BATCH_ROWS:
                writer.write_batch(_batch(waiting, columns))
                done, waiting = done + len(waiting), []
        if waiting:
            writer.write_batch(_batch(waiting, columns))
    return done + len(waiting), time.monotonic() - started


def layout(schema: Schema, players: list[str]) -> pa.Schema:
    """The columns of an explained file.

    `row` from 0, `answer`, for several classes the `class` that it is the probability of, `base`,
    for every feature or patch `contribution: NAME`, and `model`.
    """
    decided = [("class", pa.string())] if schema.task == "multiclass" else []
    each = [(f"contribution: {name}", pa.float64()) for name in players]
    start = [("row", pa.int64()), ("answer", pa.float64()), *decided, ("base", pa.float64())]
    return pa.schema([*start, *each, ("model", pa.string())])


def _look_through(opened: Source, schema: Schema) -> int:
    """The number of rows, all of them found usable.

    Reading a row takes a ten-thousandth of the time of explaining it: a bad value in the last one
    is to be known at once, and not after hours.
    """
    rows = 0
    for batch in opened.batches():
        encode_batch(schema, batch, rows)
        rows += batch.num_rows
    return rows


def _cells(schema: Schema, row: ExplainedRow, name: str) -> list[Any]:
    found = row.explained
    decided = [] if found.decided is None else [schema.classes[found.decided]]
    return [row.row, found.answer, *decided, found.base, *found.contributions.values(), name]


def _batch(rows: list[list[Any]], columns: pa.Schema) -> pa.RecordBatch:
    arrays = [
        pa.array(list(cells), type=field.type)
        for cells, field in zip(zip(*rows, strict=True), columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=columns)
