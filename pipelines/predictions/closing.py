"""A stream file that nobody writes to any more becomes a Parquet file.

In this order, so that a kill at any point loses nothing and doubles nothing: bytes that are no
batch are put aside, the Parquet file is written under a hidden name and renamed, the stream file
is removed. Whoever comes next does what is missing; a Parquet file that is there is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.predictions import names
from pipelines.predictions.layout import TIME
from pipelines.predictions.stream import WholeBatches, claimed

# Bounds of what is held in memory, and of a row group.
_GROUP_ROWS = 1 << 16
_GROUP_BYTES = 16 << 20
# Arrow's own bookkeeping for a batch of one row is twenty times the row.
_SMALL_BATCHES = 512


class Recovered(NamedTuple):
    """What was found of writers that died.

    Attributes:
        segments: stream files that became Parquet files.
        torn: files that were put aside because bytes in them were no batch.
    """

    segments: int
    torn: int


def recover(folder: Path) -> Recovered:
    """Close every stream file in `folder` whose writer is gone.

    Processes may do so at the same time: each file is closed by the one that has its lock.

    Raises:
        OSError: a file cannot be read, or the disk is full; it stays as it is, and the others
            were closed all the same.
    """
    segments = torn = 0
    refused: list[OSError] = []
    for stream in names.streams(folder):
        with claimed(stream) as is_ours:
            if is_ours:
                try:
                    is_torn = close(stream)
                except OSError as error:
                    refused.append(error)
                else:
                    segments, torn = segments + 1, torn + is_torn
    if refused:
        raise refused[0]
    return Recovered(segments, torn)


def close(stream: Path) -> bool:
    """Make a Parquet file of a stream file and remove that; the caller has its lock.

    Returns:
        Whether bytes at its end were no batch, and are now in a file of their own.

    Raises:
        OSError: the disk is full; the stream file stays as it is.
    """
    is_torn = False
    if _parquet_of(stream) is None:
        batches = WholeBatches(stream)
        hidden = stream.with_name(f".{names.segment(stream)}{names.PARQUET}")
        try:
            window = _write(grouped(batches), hidden)
            is_torn = _put_rest_aside(stream, batches.end)
            if window is not None:
                hidden.rename(names.closed(stream, *window))
        finally:
            hidden.unlink(missing_ok=True)
        _settle(stream.parent)
    stream.unlink()
    return is_torn


def grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Fewer, larger batches of the same rows, of bounded size."""
    large: list[pa.RecordBatch] = []
    small: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        small.append(batch)
        rows += batch.num_rows
        size += batch.get_total_buffer_size()
        if len(small) == _SMALL_BATCHES:
            large.append(pa.concat_batches(small))
            small = []
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield pa.concat_batches([*large, *small])
            large, small, rows, size = [], [], 0, 0
    if large or small:
        yield pa.concat_batches([*large, *small])


def _write(groups: Iterable[pa.RecordBatch], path: Path) -> tuple[int, int] | None:
    """The first and the last time of the rows; None, and no file, if there are none."""
    from pyarrow.parquet import ParquetWriter

    writer: ParquetWriter | None = None
    times: list[int] = []
    try:
        for group in groups:
            writer = writer or ParquetWriter(
                path, group.schema, compression="zstd", write_page_checksum=True
            )
            writer.write_batch(group, row_group_size=group.num_rows)
            ends = pc.min_max(group.column(TIME).cast(pa.int64()))
            times += [ends["min"].as_py(), ends["max"].as_py()]
    finally:
        if writer is not None:
            writer.close()
    if not times:
        return None
    _settle(path)
    return min(times), max(times)


def _put_rest_aside(stream: Path, end: int) -> bool:
    with stream.open("rb") as file:
        file.seek(end)
        rest = file.read()
    if rest:
        torn = stream.with_suffix(names.TORN)
        torn.write_bytes(rest)
        _settle(torn)
    return bool(rest)


def _parquet_of(stream: Path) -> Path | None:
    return next(stream.parent.glob(f"*-{names.segment(stream)}{names.PARQUET}"), None)


def _settle(path: Path) -> None:
    """Wait until the disk has it: the stream file goes next, and was there before."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
