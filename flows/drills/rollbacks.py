"""Rolling back again and again: how long does it take until nobody is sent to the version?"""

from __future__ import annotations

import math
import time

from flows.drills.answers import bad, seconds_to_zero
from flows.drills.ground import CHAMPION, GOOD, Ground
from flows.drills.load import Load
from flows.drills.measuring import timeline
from flows.drills.result import Result, problems
from flows.drills.scenarios import LIMITS, TO_ZERO
from flows.releasing import Desk
from flows.throwaway import MODEL
from pipelines.errors import RolloutError
from pipelines.releasing.registered import require
from pipelines.state import ledger
from pipelines.state.ledger import Promotion

NAME, TITLE = "rollback", "the live version is rolled back, again and again"
TIMES = 20
EXPECTED = "the version before"
# Enough requests on either side to tell where the change was.
_PAUSE_SECONDS = 0.3
_WRITTEN_SECONDS = 1.5


def drill(ground: Ground, load: Load) -> Result:
    """Bring the second version to all requests and back, many times.

    Raises:
        EvergreenError: a rollback fails.
    """
    desk, begin = Desk.at(ground.demo.clone, MODEL), time.time()
    windows = [_there_and_back(desk, number) for number in range(TIMES)]
    end = time.time()
    time.sleep(_WRITTEN_SECONDS)
    accesses, answers = ground.accesses(begin, end), load.between(begin, end)
    version = f"{MODEL}@{GOOD}"
    taken = [
        seconds_to_zero([each for each in accesses if each.time <= until], version, decided)
        for decided, until in windows
    ]
    found = bad(answers, accesses, f"{MODEL}@{CHAMPION}")
    measured = {TO_ZERO: max(math.inf if each is None else each for each in taken)}
    return Result(
        name=NAME,
        title=f"{TITLE}: {TIMES} times",
        expected=EXPECTED,
        real=EXPECTED,
        reason="",
        decision_seconds=None,
        measured=measured,
        requests=len(answers),
        sent_again=sum(each.tries > 1 for each in answers),
        bad=found,
        problems=problems(EXPECTED, EXPECTED, found, measured, LIMITS),
        timeline=timeline(answers, accesses, version, begin),
        marks=[(decided - begin, "rollback") for decided, _ in windows],
    )


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
    if left := desk.settle().problems:
        raise RolloutError(
            f"it cannot be brought to all requests: {left}",
            where=found.version.name,
            next_step="see the log of its server in the clone",
        )
    time.sleep(_PAUSE_SECONDS)
    decided = time.time()
    desk.roll_back(None, "a drill")
    time.sleep(_PAUSE_SECONDS)
    return decided, time.time()
