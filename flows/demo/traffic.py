"""The flights of later months as requests: a replay of its own process, which may end and go on."""

from __future__ import annotations

import subprocess
from types import TracebackType

from flows.demo.ground import CLIENT
from flows.throwaway import MODEL, Demo, spawned
from pipelines.errors import WorkspaceError

# Seconds of the data in one of ours: while nothing is to happen, while a version is trained, and
# while one is released, which takes some dozens of requests a second.
FAST, SLOW, STEADY = 120_000, 8_000, 30_000
_RATE, _ROWS = 400, 10  # labels are requests, too
_END_SECONDS = 20


class Traffic:
    """`evergreen replay` while the block runs; the next one goes on where this one ended."""

    def __init__(self, demo: Demo, months: tuple[str, str], speed: int) -> None:
        self._demo, self._months, self._speed = demo, months, speed
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Traffic:
        first, last = self._months
        pace = (f"--speed={self._speed}", f"--rate={_RATE}", f"--rows={_ROWS}")
        whose = ("--from", first, "--to", last, "--client", CLIENT)
        self._process = spawned(self._demo, "replay", MODEL, *whose, *pace)
        return self

    def require(self) -> None:
        """Make sure that it is still under way.

        Raises:
            WorkspaceError: it ended.
        """
        assert self._process is not None, "within the block"
        code = self._process.poll()
        if code is not None:
            raise WorkspaceError(
                f"the replay ended with exit code {code}",
                where=str(self._demo.log),
                next_step="its last lines say why",
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None, "within the block"
        # What it has sent is written down, so that it can be ended at any moment.
        self._process.terminate()
        self._process.wait(timeout=_END_SECONDS)
