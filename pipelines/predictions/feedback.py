"""What turned out to be true, for requests that were answered some time ago.

Labels come in any order, late, and more than once; all of them are kept. Reading settles it: of
the labels of one row of one request the last that arrived counts, by the clock of the server
that took it, and among those of one moment the last in its file.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.errors import CellError, LogError
from pipelines.predictions import arrays
from pipelines.predictions.appending import Appender, Limits, require_folder
from pipelines.predictions.compaction import Compactor
from pipelines.predictions.labels import LABEL, is_unicode, written
from pipelines.predictions.layout import REQUEST_ID, ROW, TIME, TIMESTAMP
from pipelines.predictions.read import read
from pipelines.schema import Schema

LIMITS = Limits(rows=200_000, seconds=900.0)
COLUMNS = pa.schema(
    [(REQUEST_ID, pa.string()), (ROW, pa.int32()), (TIME, TIMESTAMP), (LABEL, pa.string())]
)
LONGEST_ID = 200
_MOST_ROWS = 2**31


class Feedback:
    """The labels of one model; any thread may add some, and any number of processes."""

    def __init__(self, folder: Path, schema: Schema | None, retention_days: float | None) -> None:
        """Use `open`."""
        self._folder = folder
        self._schema = schema
        self._compactor = Compactor(folder, retention_days)
        self._appender = Appender(folder, LIMITS, self._compactor.add)
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls, folder: Path, schema: Schema | None = None, retention_days: float | None = None
    ) -> Feedback:
        """Open the store, and see to what earlier processes left behind.

        Args:
            folder: of one model.
            schema: of the model, whose task says what a label is; None takes any.
            retention_days: how long labels are kept; None keeps them for good.

        Raises:
            LogError: the folder cannot be written to.
        """
        require_folder(folder)
        return cls(folder, schema, retention_days)

    def add(
        self,
        request_ids: Sequence[object],
        labels: Sequence[object],
        rows: Sequence[object] | None = None,
        arrived_ns: int | None = None,
    ) -> None:
        """Keep some labels, all of them or none; on return the operating system has them.

        Args:
            request_ids: of the requests they are about; whether those exist is not asked.
            labels: what was true of each; see `labels.written`.
            rows: the row of its request that each is about, from 0; by default the first.
            arrived_ns: Unix time in nanoseconds; by default now.

        Raises:
            CellError: one of them cannot be used; names its place.
            LogError: they could not be written.
        """
        batch = _batch(request_ids, labels, rows, arrived_ns or time.time_ns(), self._schema, 0)
        if batch.num_rows == 0:
            return
        with self._lock:
            self._appender.close_if_old()
            try:
                self._appender.append(batch)
            except OSError as error:
                raise LogError(
                    f"the labels could not be written: {error}",
                    where=str(self._folder),
                    next_step="see to the disk; then send them again",
                ) from error

    def close(self, timeout_seconds: float) -> None:
        """Close the segment; what takes longer is left to the next start."""
        with self._lock:
            self._appender.close()
        self._compactor.stop(timeout_seconds)


def labels(folder: Path, since: datetime | None = None, until: datetime | None = None) -> pa.Table:
    """The label that counts of each request and row: request_id, row, time (of arrival), label.

    Args:
        folder: of one model.
        since, until: labels that arrived with `since <= time < until`; with a time zone.

    Raises:
        LogError: as `read`.
    """
    table = read(folder, since, until)
    if table.num_rows == 0:
        return COLUMNS.empty_table()
    # Arrow sorts stably, so that labels of one moment stay in the order in which they came.
    table = table.sort_by(TIME)
    numbered = table.append_column("place", arrays.numbers(np.arange(table.num_rows)))
    last = numbered.group_by([REQUEST_ID, ROW]).aggregate([("place", "max")])
    return table.take(last.column("place_max").combine_chunks().sort()).select(COLUMNS.names)


def require_usable(
    request_ids: Sequence[object],
    values: Sequence[object],
    rows: Sequence[object] | None,
    schema: Schema | None,
    first_row: int,
) -> None:
    """Look at labels as `Feedback.add` does, and keep none.

    Args:
        request_ids, values, rows: as `Feedback.add` takes them.
        schema: of the model that they are for.
        first_row: added to row numbers in errors, for labels that are one batch of many.

    Raises:
        CellError: one of them cannot be used; names its place.
    """
    _batch(request_ids, values, rows, 0, schema, first_row)


def _batch(
    request_ids: Sequence[object],
    values: Sequence[object],
    rows: Sequence[object] | None,
    arrived_ns: int,
    schema: Schema | None,
    first_row: int,
) -> pa.RecordBatch:
    rows = [0] * len(request_ids) if rows is None else rows
    if not len(request_ids) == len(values) == len(rows):
        raise CellError(
            f"{len(request_ids)} request ids, {len(values)} labels and {len(rows)} rows",
            row=None,
            column=None,
            next_step="give one label, and one row if any, for each request id",
        )
    ids = [_id(value, row) for row, value in enumerate(request_ids, first_row)]
    places = [_row(value, row) for row, value in enumerate(rows, first_row)]
    truths = [written(value, schema, row) for row, value in enumerate(values, first_row)]
    columns = [
        arrays.texts(ids),
        arrays.fixed(np.array(places, dtype=np.int32), pa.int32()),
        arrays.fixed(np.full(len(ids), arrived_ns // 1000, dtype=np.int64), TIMESTAMP),
        arrays.texts(truths),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=COLUMNS)


def _id(value: object, row: int) -> str:
    if isinstance(value, str) and 0 < len(value) <= LONGEST_ID and is_unicode(value):
        return value
    raise CellError(
        f"a request id is a text of 1 to {LONGEST_ID} characters",
        row=row,
        column=REQUEST_ID,
        next_step="send the id that the answer came with",
    )


def _row(value: object, row: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_ROWS:
        return value
    raise CellError(
        "the row is a whole number from 0",
        row=row,
        column=ROW,
        next_step="send the place of the row in its request; the first is 0",
    )
