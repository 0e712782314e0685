"""A stage must not outlive the flow that started it, or it would write on behind its back."""

from __future__ import annotations

import os
import threading
import time

import psutil

from pipelines.errors import EXIT_BAD_INPUT

# Names the process that a stage must not outlive; set by whoever starts the stage.
PARENT = "EVERGREEN_PARENT"
LOOK_EVERY_SECONDS = 0.5


def end_with_parent() -> None:
    """End this process soon after the one that PARENT names.

    A process that is killed cannot stop its children, so the child has to look.
    """
    parent = int(os.environ.get(PARENT, "0"))
    if not parent:
        return

    def watch() -> None:
        while psutil.pid_exists(parent):
            time.sleep(LOOK_EVERY_SECONDS)
        os._exit(EXIT_BAD_INPUT)

    threading.Thread(target=watch, daemon=True, name="watch-parent").start()
