"""What the callers of one run share: the clock, the arrivals, and what became of each."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from time import perf_counter, process_time

from pipelines.stress.generator import NOTES_FILE, RECORDS_FILE
from pipelines.stress.plan import Plan
from pipelines.stress.records import Ending, pack

_MOST_PROBLEMS = 20
_FLUSH_SECONDS = 0.2


class Run:
    """One run of a plan; for callers that take turns in one thread."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.zero = 0.0
        self.cpu_at_zero = 0.0
        self.problems: Counter[str] = Counter()
        self._plan = plan
        self._folder = folder
        self._flushed = -math.inf
        self._numbers = iter(range(plan.arrivals))
        self._file = (folder / RECORDS_FILE).open("wb", buffering=2**16)

    def begin(self) -> None:
        """The clock starts when all callers are there."""
        self.zero = perf_counter() + self._plan.warm_up_seconds + 0.1
        self.cpu_at_zero = process_time()

    def now(self) -> float:
        """Seconds since the first arrival that counts."""
        return perf_counter() - self.zero

    def next_number(self) -> int | None:
        """Which arrival is next; None when all were taken."""
        return next(self._numbers, None)

    def note(self, due: float, sent: float, ending: Ending, status: int, was_awaited: bool) -> None:
        """Record a request that has just ended."""
        now = self.now()
        self._file.write(pack(due, sent, now, status, ending, was_awaited))
        # Whoever waits for the end sees from the file's size how far it is.
        if now - self._flushed > _FLUSH_SECONDS:
            self._file.flush()
            self._flushed = now

    def complain(self, problem: str) -> None:
        """Count a problem by its words, of which a hostile server may send any number."""
        known = problem[:200]
        if known in self.problems or len(self.problems) < _MOST_PROBLEMS:
            self.problems[known] += 1
        else:
            self.problems["others"] += 1

    def end(self) -> None:
        """Write down how busy this process was, and what went wrong."""
        self._file.close()
        seconds = self.now() + self._plan.warm_up_seconds
        notes = {
            "cpu_share": (process_time() - self.cpu_at_zero) / seconds,
            "problems": dict(self.problems.most_common()),
        }
        (self._folder / NOTES_FILE).write_text(json.dumps(notes), encoding="utf-8")
