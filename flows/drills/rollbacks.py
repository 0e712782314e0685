"""Rolling back: again and again, and to a version whose server has to be started first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flows.drills.answers import Answer, bad, seconds_to_zero
from flows.drills.ground import CHAMPION, GOOD, Ground
from flows.drills.load import Load
from flows.drills.measuring import timeline
from flows.drills.result import Result, problems
from flows.drills.scenarios import LIMITS, TO_ZERO
from flows.releasing import Desk
from flows.throwaway import MODEL
from pipelines.errors import RolloutError
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.gateway.access_log import Access
from pipelines.releasing.registered import require
from pipelines.stack import servers
from pipelines.state import ledger
from pipelines.state.ledger import Promotion

TIMES = 20
ANSWERS = "its first answer"
# Enough requests on either side to tell where the change was.
_PAUSE_SECONDS = 0.3
_WRITTEN_SECONDS = 1.5
_VERSION = f"{MODEL}@{GOOD}"


@dataclass(frozen=True)
class Drill:
    """A drill without a rollout.

    Attributes:
        name: as it is typed.
        title: what happens, in words.
        expected: who should have all requests in the end.
        run: does it.
    """

    name: str
    title: str
    expected: str
    run: Callable[[Ground, Load], Result]


def drill(ground: Ground, load: Load) -> Result:
    """Bring the second version to all requests and back, many times.

    Raises:
        EvergreenError: a rollback fails.
    """
    desk, begin = Desk.at(ground.demo.clone, MODEL), time.time()
    windows = [_there_and_back(desk, number) for number in range(TIMES)]
    seen = _seen(ground, load, begin)
    taken = [
        seconds_to_zero([each for each in seen.accesses if each.time <= until], _VERSION, decided)
        for decided, until in windows
    ]
    measured = {TO_ZERO: max(math.inf if each is None else each for each in taken)}
    marks = [(decided - begin, "rollback") for decided, _ in windows]
    return seen.result(WARM, WARM.expected, measured, marks)


def drill_cold(ground: Ground, load: Load) -> Result:
    """Return to a version whose server was ended long ago.

    Raises:
        EvergreenError: its server runs already or does not start, or the rollback fails.
    """
    desk, begin = Desk.at(ground.demo.clone, MODEL), time.time()
    desk.settle()
    running = {
        servers.version_of(each.program) for each in Fleet(Layout.of(ground.home)).processes()
    }
    if _VERSION in running:
        raise RolloutError(
            "its server runs already, so nothing would be shown",
            where=_VERSION,
            next_step="run this drill by itself: `evergreen drill cold`",
        )
    decided = time.time()
    desk.roll_back(GOOD, "a drill")
    _settle(desk)
    time.sleep(_PAUSE_SECONDS)
    seen = _seen(ground, load, begin)
    first = min((each.time for each in seen.accesses if each.answered == _VERSION), default=None)
    measured = {ANSWERS: math.inf if first is None else first - decided}
    last = next((e.answered for e in reversed(seen.accesses) if e.kind == "predict"), None)
    real = COLD.expected if last == _VERSION else f"{last} answers"
    return seen.result(COLD, real, measured, [(decided - begin, f"rollback --to {GOOD}")])


@dataclass(frozen=True)
class _Seen:
    """What clients and gateway tell of the time since `begin`, unix seconds."""

    begin: float
    answers: Sequence[Answer]
    accesses: Sequence[Access]

    def result(
        self,
        what: Drill,
        real: str,
        measured: Mapping[str, float],
        marks: Sequence[tuple[float, str]],
    ) -> Result:
        found = bad(self.answers, self.accesses, f"{MODEL}@{CHAMPION}")
        return Result(
            name=what.name,
            title=what.title,
            expected=what.expected,
            real=real,
            reason="",
            decision_seconds=None,
            measured=measured,
            requests=len(self.answers),
            sent_again=sum(each.tries > 1 for each in self.answers),
            bad=found,
            problems=problems(what.expected, real, found, measured, LIMITS),
            timeline=timeline(self.answers, self.accesses, _VERSION, self.begin),
            marks=marks,
        )


def _seen(ground: Ground, load: Load, begin: float) -> _Seen:
    end = time.time()
    time.sleep(_WRITTEN_SECONDS)
    return _Seen(begin, load.between(begin, end), ground.accesses(begin, end))


def _there_and_back(desk: Desk, number: int) -> tuple[float, float]:
    """Between which moments the version that was live is to lose its requests, unix seconds."""
    found = require(desk.project, MODEL, GOOD)
    ledger.promote(
        desk.project.engine,
        Promotion(
            model=MODEL,
            version=found.version.name,
            commit=found.version.commit,
            who="a drill",
            why="to be rolled back",
            evidence={"bento": found.bento},
            run=f"rollback drill {time.time():.3f}, {number}",
        ),
    )
    _settle(desk)
    time.sleep(_PAUSE_SECONDS)
    decided = time.time()
    desk.roll_back(None, "a drill")
    time.sleep(_PAUSE_SECONDS)
    return decided, time.time()


def _settle(desk: Desk) -> None:
    if left := desk.settle().problems:
        raise RolloutError(
            f"it cannot be brought to all requests: {left}",
            where=_VERSION,
            next_step="see the log of its server in the clone",
        )


WARM = Drill(
    "rollback",
    f"the live version is rolled back, {TIMES} times",
    "the version before",
    drill,
)
COLD = Drill("cold", "rollback --to a version that does not run", "the version named", drill_cold)
DRILLS = {each.name: each for each in (WARM, COLD)}
