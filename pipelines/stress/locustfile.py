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
import os
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust import FastHttpUser, events, task
from locust.exception import StopUser

from pipelines.orphans import end_with_parent
from pipelines.stress.check import fault
from pipelines.stress.doors import DOORS
from pipelines.stress.generator import PLAN_FILE, RUN_FOLDER
from pipelines.stress.plan import Plan
from pipelines.stress.records import Ending
from pipelines.stress.run import Run

_FOLDER = Path(os.environ[RUN_FOLDER])
_PLAN = Plan.read(_FOLDER / PLAN_FILE)
_DOOR = DOORS[_PLAN.door]
_HEADERS = {"Content-Type": "application/json"}
# Counts the users that found nothing left to do.
_LEFT = itertools.count(1)


class Begun(Run):
    """A run whose users wait for each other."""

    def __init__(self) -> None:
        super().__init__(_PLAN, _FOLDER)
        self.begins = Event()

    def begin(self) -> None:
        super().begin()
        self.begins.set()


RUN = Begun()
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
            _PLAN.path,
            data=_PLAN.bodies[row].decode(),  # JSON, for these doors
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
