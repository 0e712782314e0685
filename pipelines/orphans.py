"""A stage must not outlive the flow that started it, or it would write on behind its back."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from contextlib import suppress

import psutil

from pipelines.errors import EXIT_UNKNOWN

# Names the process that a stage must not outlive; set by whoever starts the stage.
PARENT = "EVERGREEN_PARENT"
LOOK_EVERY_SECONDS = 0.5


def end_with_parent() -> None:
    """End this process soon after the one that PARENT names.

    A process that is killed cannot stop its children, so the child has to look.
    """
    number = int(os.environ.get(PARENT, "0"))
    if not number:
        return

    def watch() -> None:
        # Not by number alone: another process may get it soon after.
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(number)
            while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
                time.sleep(LOOK_EVERY_SECONDS)
        os._exit(EXIT_UNKNOWN)

    threading.Thread(target=watch, daemon=True, name="watch-parent").start()


def end_with_spawner() -> None:
    """End this process, which `multiprocessing` has spawned, soon after the one that spawned it."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None, "the main process was spawned by nobody"
        parent.join()
        os._exit(EXIT_UNKNOWN)

    threading.Thread(target=watch, daemon=True, name="watch-parent").start()
