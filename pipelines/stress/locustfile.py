"""The load, as Locust runs it in a process of its own.

Locust's users by themselves form a closed loop: each sends when its last answer is in, so a
server that stalls is asked less, and what would have come meanwhile is never measured. Here the
arrivals are laid down beforehand; a user takes the next one, waits until it is due, and sends.
Latency counts from when it was due, so waiting for a free user is part of it. (Tene, "How NOT to
measure latency", 2013, calls the mistake coordinated omission; Schroeder, Wierman and
Harchol-Balter, "Open versus closed", NSDI 2006.)
"""

from __future__ import annotations

import itertools
import json
import math
import os
from collections import Counter
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import gevent
from gevent.event import Event
from locust import FastHttpUser, events, task
from locust.exception import StopUser

from pipelines.orphans import end_with_parent
from pipelines.stress.check import fault
from pipelines.stress.doors import DOORS
from pipelines.stress.generator import NOTES_FILE, PLAN_FILE, RECORDS_FILE, RUN_FOLDER
from pipelines.stress.plan import Plan
from pipelines.stress.records import Ending, pack

_MOST_PROBLEMS = 20
_FLUSH_SECONDS = 0.2
_FOLDER = Path(os.environ[RUN_FOLDER])
_PLAN = Plan.read(_FOLDER / PLAN_FILE)
_DOOR = DOORS[_PLAN.door]
_HEADERS = {"Content-Type": "application/json"}
# Counts the users that found nothing left to do.
_LEFT = itertools.count(1)


class Run:
    """What the users of one run share."""

    def __init__(self) -> None:
        self.begins = Event()
        self.zero = 0.0
        self.cpu_at_zero = 0.0
        self.problems: Counter[str] = Counter()
        self.waiting = 0
        self._flushed = -math.inf
        self._numbers = iter(range(_PLAN.arrivals))
        self._file = (_FOLDER / RECORDS_FILE).open("wb", buffering=2**16)

    def begin(self) -> None:
        """The clock starts when all users are there."""
        self.zero = perf_counter() + _PLAN.warm_up_seconds + 0.1
        self.cpu_at_zero = process_time()
        self.begins.set()

    def now(self) -> float:
        return perf_counter() - self.zero

    def next_number(self) -> int | None:
        return next(self._numbers, None)

    def note(self, due: float, sent: float, ending: Ending, status: int, was_awaited: bool) -> None:
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
        self._file.close()
        seconds = self.now() + _PLAN.warm_up_seconds
        notes = {
            "cpu_share": (process_time() - self.cpu_at_zero) / seconds,
            "problems": dict(self.problems.most_common()),
        }
        (_FOLDER / NOTES_FILE).write_text(json.dumps(notes), encoding="utf-8")


RUN = Run()
end_with_parent()


@events.spawning_complete.add_listener
def _begin(**_: Any) -> None:
    RUN.begin()


class Caller(FastHttpUser):
    """One connection that takes the next arrival whenever it is free."""

    host = _PLAN.url
    network_timeout = _PLAN.timeout_seconds
    connection_timeout = _PLAN.timeout_seconds
    # A lost connection is an error to be counted, not to be covered up.
    max_retries = 0
    insecure = False

    @task
    def send_next(self) -> None:
        RUN.begins.wait()
        number = RUN.next_number()
        if number is None:
            _leave(self)
            raise StopUser
        due = _PLAN.due(number)
        was_awaited = RUN.now() < due
        if was_awaited:
            gevent.sleep(due - RUN.now())
        sent = RUN.now()
        if sent - due > _PLAN.timeout_seconds:
            # The client that it stands for has gone by now; without this a run against a server
            # that hangs would last for hours.
            RUN.note(due, sent, Ending.NOT_SENT, 0, was_awaited)
            return
        row = number % len(_PLAN.bodies)
        ending, status = self._ask(row)
        RUN.note(due, sent, ending, status, was_awaited)

    def _ask(self, row: int) -> tuple[Ending, int]:
        with self.client.post(
            _DOOR.path,
            data=_PLAN.bodies[row],
            headers=_HEADERS,
            # The load must stay with the server that it was allowed for.
            allow_redirects=False,
            catch_response=True,
        ) as response:
            status = response.status_code or 0
            if status == 0:
                problem, ending = f"{response.error!r}", Ending.NO_ANSWER
            elif status != 200:
                problem, ending = f"status {status}", Ending.REFUSED
            else:
                content = response.content or b""
                problem = fault(content, _DOOR, _PLAN.version, _PLAN.expected[row])
                ending = Ending.WRONG
            if not problem:
                return Ending.ANSWERED, status
            response.failure(problem)
        RUN.complain(problem)
        return ending, status


def _leave(user: FastHttpUser) -> None:
    """The last of them ends the run: all others have their answers by then."""
    if next(_LEFT) == _PLAN.users:
        RUN.end()
        gevent.spawn(user.environment.runner.quit)
