"""Reading a log back: closed segments and open ones, each row once.

Any number of writers may be at work meanwhile. A reader sees every batch that was written before
it began, and perhaps some that were written since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import LogError
from pipelines.predictions import names
from pipelines.predictions.closing import grouped
from pipelines.predictions.layout import TIME, TIMESTAMP
from pipelines.predictions.stream import WholeBatches

_BATCH_ROWS = 1 << 16
_AGAIN = "read again"


def segments(folder: Path) -> list[Path]:
    """The files that hold each row once: Parquet files, and stream files that are not closed yet.

    Raises:
        LogError: there is no such folder.
    """
    # In this order: a stream file goes only after its Parquet file came, so that what is not
    # among the first is among the second.
    try:
        open_ones = [path for path in names.streams(folder) if _is_begun(path)]
        closed_ones = names.parquets(folder)
    except FileNotFoundError:
        raise LogError(
            "there is no such folder",
            where=str(folder),
            next_step="serve the model first; its answers are logged there",
        ) from None
    known = {names.segment(path) for path in closed_ones}
    return closed_ones + [path for path in open_ones if names.segment(path) not in known]


def _is_begun(stream: Path) -> bool:
    """Whether anything is in it: one that was swept before its writer had it leaves no Parquet.

    One that is gone already is listed among the Parquet files, if there was a row in it.
    """
    try:
        return stream.stat().st_size > 0
    except FileNotFoundError:
        return False


def batches(
    folder: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows, some ten thousand at a time, segment by segment; in each as they were written.

    Segments that an older or newer version of the model wrote may have other columns.

    Args:
        folder: of one log.
        since, until: rows with `since <= time < until`; with a time zone.
        columns: those to read; all by default. A segment without one of them gives the others.

    Raises:
        LogError: there is no such folder, a time has no zone, or a closed segment is unreadable.
    """
    for moment in (since, until):
        if moment is not None and moment.tzinfo is None:
            raise LogError(f"{moment} has no time zone", where="since, until", next_step="use UTC")
    wanted = None if columns is None else list(dict.fromkeys((*columns, TIME)))
    for path in segments(folder):
        if not _may_hold(path, since, until):
            continue
        for batch in _segment(path, wanted):
            chosen = _between(batch, since, until)
            if chosen.num_rows:
                yield chosen if columns is None else _only(chosen, columns)


def read(
    folder: Path,
    since: datetime | None = None,
    until: datetime | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """All of `batches` in one table; a column that a segment does not have is null in its rows.

    Raises:
        LogError: as `batches`, or a column is a number in one segment and a text in another.
    """
    tables = [pa.Table.from_batches([batch]) for batch in batches(folder, since, until, columns)]
    if not tables:
        return pa.table({TIME: pa.array([], TIMESTAMP)})
    try:
        return pa.concat_tables(tables, promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise LogError(
            f"versions disagree on a column's type: {error}",
            where=str(folder),
            next_step="read the time of one version, or other columns",
        ) from error


def _may_hold(path: Path, since: datetime | None, until: datetime | None) -> bool:
    window = names.window(path)
    if window is None:
        return True
    first, last = window
    return (since is None or last >= since) and (until is None or first < until)


def _segment(path: Path, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    if path.suffix == names.STREAM:
        stream = WholeBatches(path)
        try:
            yield from grouped(stream if columns is None else _narrow(stream, columns))
            return
        except FileNotFoundError:
            # Closed since it was listed.
            path = _closed_since(path)
    yield from _parquet(path, columns)


def _closed_since(stream: Path) -> Path:
    for path in names.parquets(stream.parent):
        if names.segment(path) == names.segment(stream):
            return path
    raise LogError("the segment is gone", where=str(stream), next_step=_AGAIN)


def _parquet(path: Path, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            present = file.schema_arrow.names
            chosen = None if columns is None else [name for name in columns if name in present]
            yield from file.iter_batches(_BATCH_ROWS, columns=chosen)
    except FileNotFoundError:
        raise LogError(
            "the segment was removed while it was read", where=str(path), next_step=_AGAIN
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise LogError(
            f"not readable: {error}",
            where=str(path),
            next_step="restore the file from a copy, or move it away to do without its rows",
        ) from error


def _narrow(stream: WholeBatches, columns: list[str]) -> Iterator[pa.RecordBatch]:
    return (_only(batch, columns) for batch in stream)


def _only(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    return batch.select([name for name in columns if name in batch.schema.names])


def _between(
    batch: pa.RecordBatch, since: datetime | None, until: datetime | None
) -> pa.RecordBatch:
    if since is not None:
        batch = batch.filter(pc.greater_equal(batch.column(TIME), pa.scalar(since, TIMESTAMP)))
    if until is not None:
        batch = batch.filter(pc.less(batch.column(TIME), pa.scalar(until, TIMESTAMP)))
    return batch
