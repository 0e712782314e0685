"""What became of the rows that a prediction log was given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LogCounts:
    """Rows since the log was opened, and files.

    Attributes:
        written: handed to the operating system.
        dropped: not taken, because too much waited or the log was closed.
        failed: taken, and not written, because the disk refused or the record was unfit.
        queued: waiting, or being written now.
        torn: files with bytes that no row could be read from; they were put aside.
        unclosed: finished segments that are not Parquet yet.
        problem: why the last write or closing failed; None when it succeeded.
    """

    written: int
    dropped: int
    failed: int
    queued: int
    torn: int
    unclosed: int
    problem: str | None
