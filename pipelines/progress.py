"""Progress for people: a bar on a terminal, a line at most every few seconds in a log.

On stderr, because stdout is for results: what `--json` prints there must be JSON alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_SECONDS_BETWEEN_LINES = 5.0
OnProgress = Callable[[int, int], None]


@contextmanager
def progress(what: str, total: int) -> Iterator[OnProgress]:
    """Show how far something is; the function that is given takes (done, total)."""
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> OnProgress:
    last = -_SECONDS_BETWEEN_LINES

    def show(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            print(f"{what}: {done:,} of {total:,}", file=sys.stderr, flush=True)

    return show
