"""Give up on somebody who does not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pipelines.errors import SourceError

Answer = TypeVar("Answer")

# Long enough for a slow handshake on three continents, short enough for a person to wait.
ANSWER_SECONDS = 20.0
# Between two blocks of a transfer that has begun.
BLOCK_SECONDS = 60.0


def within(seconds: float, call: Callable[[], Answer], *, where: str) -> Answer:
    """What `call` returns, if it does so in time.

    fsspec and the database drivers each have their own timeouts, some none; this bounds all of
    them alike. The call runs in a daemon thread: a thread that never returns is left behind, and
    does not keep the process alive.

    Raises:
        SourceError: no answer within `seconds`.
        Exception: whatever `call` raises.
    """
    box: dict[str, Any] = {}

    def run() -> None:
        try:
            box["answer"] = call()
        except BaseException as error:  # noqa: BLE001 - raised again, in the caller's thread
            box["error"] = error

    thread = threading.Thread(target=run, name="source", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise SourceError(
            f"no answer within {seconds:g} seconds",
            where=where,
            next_step="check that the server is up and reachable from here, then run again",
        )
    if "error" in box:
        raise box["error"]
    answer: Answer = box["answer"]
    return answer
