"""The thread that makes Parquet files of finished stream files, and removes old ones.

Beside the writer, because a Parquet file takes a good part of a second, and answers would wait.
It may be killed at any time: what it did not finish is a stream file, which readers read, too.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import LogError
from pipelines.predictions import closing
from pipelines.predictions.retention import expire
from pipelines.predictions.stream import StreamFile
from pipelines.predictions.trouble import Trouble

RETRY_SECONDS = 60.0
# Between two rounds that nobody asked for: what becomes old does so without any traffic.
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 3600.0


class Compactor:
    """Closes the segments of this process, and those of processes that died.

    Attributes:
        torn: how many files held bytes that were no batch, and were put aside.
        pause_seconds: between two rounds that nobody asked for and nothing failed in.
    """

    def __init__(self, folder: Path, retention_days: float | None) -> None:
        self.torn = 0
        self._trouble = Trouble()
        self._folder = folder
        self._retention_days = retention_days
        kept_seconds = math.inf if retention_days is None else retention_days * 86400
        self.pause_seconds = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, kept_seconds / 10))
        self._finished: list[StreamFile] = []
        self._is_wanted = True  # at first for what earlier processes left behind
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="compact-log")
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """Why the last round could not be finished; None if it was."""
        return self._trouble.problem

    @property
    def waiting(self) -> int:
        """Finished stream files that are no Parquet files yet."""
        return len(self._finished)

    def add(self, stream: StreamFile) -> None:
        """Take over a stream file that nothing will be appended to."""
        with self._changed:
            self._finished.append(stream)
            self._is_wanted = True
            self._changed.notify()

    def stop(self, timeout_seconds: float) -> None:
        """Finish what was added and end; what takes longer is left to the next start."""
        with self._changed:
            self._is_stopping = self._is_wanted = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            with self._changed:
                pause = self.pause_seconds
                self._changed.wait_for(
                    lambda: self._is_wanted, min(RETRY_SECONDS, pause) if self.problem else pause
                )
                # Before the round: what is added while it goes on asks for another.
                self._is_wanted, is_last = False, self._is_stopping
                finished = list(self._finished)
            self._round(finished)

    def _round(self, finished: list[StreamFile]) -> None:
        problems: list[str] = []
        for stream in finished:
            with _noting(problems):
                self.torn += closing.close(stream.path)
                stream.close()
                self._finished.remove(stream)
        with _noting(problems):
            self.torn += closing.recover(self._folder).torn
        if self._retention_days is not None:
            with _noting(problems):
                expire(self._folder, self._retention_days)
        self._trouble.see(self._error(problems[0]) if problems else None)

    def _error(self, problem: str) -> LogError:
        return LogError(
            problem,
            where=str(self._folder),
            next_step="see to the disk; nothing is lost, and it is tried again every minute",
        )


@contextmanager
def _noting(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001
        # Nothing is lost: the files stay as they are, `Trouble` tells, the next round tries again.
        problems.append(f"{type(error).__name__}: {error}")
