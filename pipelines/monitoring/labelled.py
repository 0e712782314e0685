"""Answers joined with what turned out to be true of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.monitoring.columns import IS_SHADOW, VERSION, Expected
from pipelines.monitoring.windows import copy_to, opened, row_bytes
from pipelines.predictions import feedback
from pipelines.predictions.labels import LABEL
from pipelines.predictions.layout import REQUEST_ID, ROW, TIME, TIMESTAMP
from pipelines.predictions.read import batches

_IS_MINE = "is_mine"
_PLACE = "place"
# Of the delays seen so far: labels count of answers that are older.
_MATURE = 0.95

# The last label that arrived counts, and of those of one moment the last in its file.
_JOIN = """
CREATE TEMP TABLE joined AS
SELECT answers.*, told.label AS label, told.arrived AS arrived
FROM (SELECT * FROM answers QUALIFY
      row_number() OVER (PARTITION BY request_id, row, is_mine ORDER BY time DESC) = 1) AS answers
FULL JOIN (SELECT request_id, row, arg_max(label, (time, place)) AS label, max(time) AS arrived
           FROM labels GROUP BY request_id, row) AS told
ON answers.request_id = told.request_id AND answers.row = told.row
"""
_MINE = "SELECT * EXCLUDE (is_mine) FROM joined WHERE is_mine ORDER BY time"
_COUNTS = """
SELECT count(*) FILTER (is_mine), count(label) FILTER (is_mine), count(*) FILTER (is_mine IS NULL),
       quantile_cont(epoch_us(arrived) - epoch_us(time), ?)
           FILTER (is_mine AND label IS NOT NULL)
FROM joined
"""
_MATURE_COUNTS = "SELECT count(*), count(label) FROM joined WHERE is_mine AND time < ?"


class OfWindow(NamedTuple):
    """What labels there are of one window, when it is looked at.

    Attributes:
        answers: in the window; of a request that was answered twice the later one.
        labels: how many of them have one.
        mature: how many are old enough for their labels to count.
    """

    answers: int
    labels: int
    mature: int

    @property
    def coverage(self) -> float:
        """The share of the answers that have a label."""
        return self.labels / self.answers if self.answers else 0.0

    @property
    def maturity(self) -> float:
        """The share of the answers that are old enough."""
        return self.mature / self.answers if self.answers else 0.0

    def to_json(self) -> dict[str, float]:
        return {
            **self._asdict(),
            "coverage": round(self.coverage, 6),
            "maturity": round(self.maturity, 6),
        }


@dataclass(frozen=True)
class Labelled:
    """Answers of one version with their labels, as a Parquet file in the order of their time.

    Attributes:
        path: columns request_id, row, time, the outputs, label and arrived (null without one).
        answers: how many there are of the version.
        labels: how many of them have one.
        unknown: labels of requests that the log does not know.
        delay_seconds: the 95th percentile from answer to label; None without a label.
        mature_until: answers before that are old enough for their labels to count.
        mature: how many answers are.
        mature_labels: how many of those have a label.
    """

    path: Path
    answers: int
    labels: int
    unknown: int
    delay_seconds: float | None
    mature_until: datetime
    mature: int
    mature_labels: int

    @property
    def coverage(self) -> float:
        """The share of the mature answers that have a label."""
        return self.mature_labels / self.mature if self.mature else 0.0

    def within(self, since: datetime, until: datetime) -> OfWindow:
        """What labels there are of the answers with `since <= time < until`."""
        table = pq.read_table(
            self.path, columns=[TIME, LABEL], filters=[(TIME, ">=", since), (TIME, "<", until)]
        )
        mature = pc.sum(pc.less(table.column(TIME), pa.scalar(self.mature_until, TIMESTAMP)))
        labels = table.num_rows - table.column(LABEL).null_count
        return OfWindow(table.num_rows, labels, int(mature.as_py() or 0))

    def rows(self, schema: pa.Schema, since: datetime | None = None) -> Iterator[pa.RecordBatch]:
        """The mature answers that have a label, oldest first, from `since` on."""
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(max(256, (16 << 20) // row_bytes(schema))):
                counts = pc.and_(
                    pc.is_valid(batch.column(LABEL)),
                    pc.less(batch.column(TIME), pa.scalar(self.mature_until, TIMESTAMP)),
                )
                if since is not None:
                    later = pc.greater_equal(batch.column(TIME), pa.scalar(since, TIMESTAMP))
                    counts = pc.and_(counts, later)
                yield batch.filter(counts)


class Logs(NamedTuple):
    """The folders of a model: what was answered, and what turned out to be true."""

    answers: Path
    labels: Path


def join(
    logs: Logs,
    version: str,
    since: datetime,
    now: datetime,
    expected: Expected,
    path: Path,
) -> Labelled:
    """Join the answers of a version with the labels that had arrived by `now`.

    Raises:
        LogError: a log cannot be read.
    """
    with opened(path.parent) as connection:
        connection.register("answers", _answers(logs.answers, version, since, now, expected))
        connection.register("labels", _labels(logs.labels, since, now))
        connection.execute(_JOIN)
        connection.execute("SET preserve_insertion_order = true")
        copy_to(connection, _MINE, path, row_bytes(_columns(expected)))
        [(answers, told, unknown, delay)] = connection.execute(_COUNTS, [_MATURE]).fetchall()
        # A label may come with a clock that is behind that of the server that answered.
        seconds = None if delay is None else max(0.0, float(delay) / 1e6)
        until = now - timedelta(seconds=seconds or 0.0)
        [(mature, mature_labels)] = connection.execute(_MATURE_COUNTS, [until]).fetchall()
    return Labelled(path, answers, told, unknown, seconds, until, mature, mature_labels)


def _columns(expected: Expected) -> pa.Schema:
    fields = {REQUEST_ID: pa.string(), ROW: pa.int32(), TIME: TIMESTAMP, **expected.outputs}
    return pa.schema([*fields.items(), (_IS_MINE, pa.bool_())])


def _answers(
    log: Path, version: str, since: datetime, now: datetime, expected: Expected
) -> pa.RecordBatchReader:
    """All answers, because a label may be of another version's; outputs of this one's only."""
    schema = _columns(expected)

    def found() -> Iterator[pa.RecordBatch]:
        if not log.exists():
            return
        wanted = [*schema.names[:-1], VERSION, IS_SHADOW]
        for batch in batches(log, since, now, wanted):
            mine = pc.and_(
                pc.equal(batch.column(VERSION), version), pc.invert(batch.column(IS_SHADOW))
            )
            columns = [_fitting(batch, field) for field in list(schema)[:-1]]
            yield pa.RecordBatch.from_arrays([*columns, mine], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, found())


def _fitting(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    place = batch.schema.get_field_index(field.name)
    if place >= 0 and batch.column(place).type == field.type:
        return batch.column(place)
    return pa.nulls(batch.num_rows, field.type)


def _labels(folder: Path, since: datetime, now: datetime) -> pa.RecordBatchReader:
    schema = feedback.COLUMNS.append(pa.field(_PLACE, pa.int64()))

    def found() -> Iterator[pa.RecordBatch]:
        place = 0
        if not folder.exists():
            return
        for batch in batches(folder, since, now, feedback.COLUMNS.names):
            places = pa.array(range(place, place + batch.num_rows), pa.int64())
            place += batch.num_rows
            columns = [batch.column(name) for name in feedback.COLUMNS.names]
            yield pa.RecordBatch.from_arrays([*columns, places], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, found())
