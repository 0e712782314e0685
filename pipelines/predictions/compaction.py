"""The thread that makes Parquet files of finished stream files, and removes old ones.

Beside the writer, because a Parquet file takes a good part of a second, and answers would wait.
It may be killed at any time: what it did not finish is a stream file, which readers read, too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.predictions import closing
from pipelines.predictions.retention import expire
from pipelines.predictions.stream import StreamFile

RETRY_SECONDS = 60.0


class Compactor:
    """Closes the segments of this process, and those of processes that died.

    Attributes:
        torn: how many files held bytes that were no batch, and were put aside.
        problem: why the last round could not be finished; None if it was.
    """

    def __init__(self, folder: Path, retention_days: float | None) -> None:
        self.torn = 0
        self.problem: str | None = None
        self._folder = folder
        self._retention_days = retention_days
        self._finished: list[StreamFile] = []
        self._has_new = False
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="compact-log")
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Finished stream files that are no Parquet files yet."""
        return len(self._finished)

    def add(self, stream: StreamFile) -> None:
        """Take over a stream file that nothing will be appended to."""
        with self._changed:
            self._finished.append(stream)
            self._has_new = True
            self._changed.notify()

    def stop(self, timeout_seconds: float) -> None:
        """Finish what was added and end; what takes longer is left to the next start."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        # The first round is for what earlier processes left behind.
        while not self._round():
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_stopping or self._has_new,
                    RETRY_SECONDS if self.problem else None,
                )

    def _round(self) -> bool:
        """Do all that there is to do; whether that was the last time."""
        with self._changed:
            # Before the files are looked at: what is added meanwhile asks for another round.
            is_last, self._has_new = self._is_stopping, False
            finished = list(self._finished)
        self.problem = None
        for stream in finished:
            with self._trying():
                self.torn += closing.close(stream.path)
                stream.close()
                self._finished.remove(stream)
        with self._trying():
            self.torn += closing.recover(self._folder).torn
        if self._retention_days is not None:
            with self._trying():
                expire(self._folder, self._retention_days)
        return is_last

    @contextmanager
    def _trying(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001
            # Nothing is lost: the files stay as they are, and the next round tries again.
            self.problem = f"{type(error).__name__}: {error}"
