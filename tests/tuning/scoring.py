"""Scores that take no training: what the workers of the tests run. Real processes, real kills."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import DataError
from pipelines.models.space import Choice, Real, Value, Whole
from pipelines.tuning.engine import Score, Scored

if TYPE_CHECKING:
    from pipelines.tuning.study import Search

SPACE = {
    "x": Real(0.0, 1.0, default=0.9),
    "n": Whole(1, 100, default=50, is_log=True),
    "kind": Choice(("a", "b"), default="a"),
}
RUNGS = 3


def search(key: str = "k", fixed: Mapping[str, Value] | None = None, **settings: object) -> Search:
    # Not above: workers load this module, and the libraries of a search take them a second.
    from pipelines.settings import TuneSettings
    from pipelines.tuning.study import Search

    chosen = TuneSettings.model_validate({"trials": 12, "workers": 1, **settings})
    return Search(key=key, space=SPACE, rungs=RUNGS, fixed=fixed or {}, settings=chosen)


@dataclass(frozen=True)
class Plan:
    """What a worker does beside scoring.

    Attributes:
        log: every trial that starts is appended to it, one line each.
        slow: seconds a rung takes for one half of the trials; the others take none.
        die_at: the worker kills itself when a trial has this `x`,
        die_before_rung: before it says what this rung scored,
        dead: unless this file exists, which it then makes. None: it dies every time.
        fail_at: the family raises when a trial has this `x`.
        refuse: the family raises an error of ours, whatever it is asked.
    """

    log: Path
    slow: float = 0.0
    die_at: float | None = None
    die_before_rung: int = 1
    dead: Path | None = None
    fail_at: float | None = None
    refuse: bool = False


def prepare(plan: Plan) -> Score:
    def score(params: Mapping[str, Value]) -> Iterator[Scored]:
        x, n = float(params["x"]), float(params["n"])
        _append(plan.log, f"{x!r}\n")
        if plan.refuse:
            raise DataError("no rows", where="here", next_step="bring some")
        if x == plan.fail_at:
            raise RuntimeError("a family that does not converge")
        for rung in range(1, RUNGS + 1):
            if int(x * 1e6) % 2:
                time.sleep(plan.slow)
            if x == plan.die_at and rung == plan.die_before_rung:
                _die(plan.dead)
            quality = 1 - (x - 0.3) ** 2 - abs(n - 20) / 1000 - 0.01 * (params["kind"] == "a")
            is_last = rung == RUNGS
            yield Scored(quality * (0.8 + 0.2 * rung / RUNGS), is_last, n if is_last else None)

    return score


def _die(dead: Path | None) -> None:
    if dead is not None:
        if dead.exists():
            return
        dead.touch()
    os.kill(os.getpid(), signal.SIGKILL)


def _append(path: Path, line: str) -> None:
    # One write to a file opened for appending is whole, also among processes.
    with path.open("ab", buffering=0) as file:
        file.write(line.encode())
