"""Peak memory of this process and all its descendants."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

_SECONDS_BETWEEN_LOOKS = 0.5


class Peak:
    """Looks while its block runs; `gib` is the largest sum of resident memory seen.

    Pages that processes share count once for each, so the figure errs on the high side.
    """

    def __init__(self) -> None:
        self.gib = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True, name="memory")

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.gib = max(self.gib, total / 2**30)
