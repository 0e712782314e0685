"""How often a rollout is wrong: identical versions, and regressions whose truth is known.

50 requests a second, a look every 10 s, steps 5, 25, 50, 100 %, all else as the settings' defaults.
Seeds are fixed, so a count is a property of the code and not of the day.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from benchmarks.rollout_runs import PROMOTED, ROLLED_BACK, Ends, simulate
from benchmarks.rollout_traffic import LOOK_SECONDS, Traffic
from pipelines.settings import RolloutSettings

SETTINGS = RolloutSettings(mirror=False)
# One test that gets all of alpha: harm in a single metric is as easily seen as it can be. Labelled
# answers and the pairs of the mirror may roll back as well, so this is 1 % for each of the four.
# It never has enough to go on.
ALONE = RolloutSettings(
    mirror=False,
    steps=(5, 100),
    metrics=("errors",),
    alpha_rollback=0.04,
    minimum_requests=10**9,
)
RATES = {"errors": 0.003, "timeouts": 0.003, "invalid": 0.0001, "latency": 0.01}
DAY_LOOKS = 24 * 3600 // LOOK_SECONDS


@dataclass(frozen=True)
class Scenario:
    """One kind of rollout.

    Attributes:
        traffic: what it meets.
        wrong: what it must not end as.
        at_most: the share of the runs that may; None where it is shown, and nothing promised.
    """

    name: str
    traffic: Traffic
    wrong: int
    at_most: float | None
    settings: RolloutSettings = field(default=SETTINGS)
    looks: int = DAY_LOOKS

    def play(self, runs: int) -> Ends:
        """The ends of so many runs; the same ones every time."""
        return simulate(
            self.settings,
            self.traffic,
            runs=runs,
            looks=self.looks,
            seed=sum(self.name.encode()),
        )


def _identical(name: str, **traffic: float) -> Scenario:
    return Scenario(name, Traffic(RATES, {}, **traffic), ROLLED_BACK, 0.01)  # type: ignore[arg-type]


def _worse(
    name: str, at_most: float | None, rates: dict[str, float] | None = None, **traffic: object
) -> Scenario:
    found = Traffic({**RATES, **(rates or {})}, **traffic)  # type: ignore[arg-type]
    return Scenario(name, found, PROMOTED, at_most)


IDENTICAL = (
    _identical("identical"),
    _identical("identical, daily swings and bursts", swings=0.6, bursts=0.002),
    _identical("identical, 200 sticky clients", subjects=200),
    Scenario(
        "identical, held a day, one metric",
        Traffic({"errors": 0.003}, {}, swings=0.6, bursts=0.002),
        ROLLED_BACK,
        0.01,
        settings=ALONE,
    ),
)
REGRESSIONS = (
    _worse("errors x5", 0.005, ratios={"errors": 5}),
    _worse("errors x5, swings and bursts", 0.005, ratios={"errors": 5}, swings=0.6, bursts=0.002),
    _worse("errors x5 from 25 % on", 0.005, ratios={"errors": 5}, from_stage=1),
    _worse("timeouts x5, 200 sticky clients", 0.005, ratios={"timeouts": 5}, subjects=200),
    _worse("latency x5", 0.005, ratios={"latency": 5}),
    _worse("errors x10", 0.0, ratios={"errors": 10}),
    _worse("timeouts x10 from 50 % on", 0.0, ratios={"timeouts": 10}, from_stage=2),
    _worse("all but invalid x10", 0.0, ratios={"errors": 10, "timeouts": 10, "latency": 10}),
)
SHOWN = (
    _worse("errors x2, 1 % to 2 %", None, {"errors": 0.01}, ratios={"errors": 2}),
    _worse("errors x5, below the limit", None, {"errors": 0.001}, ratios={"errors": 5}),
)


def upper_bound(count: int, runs: int) -> float:
    """One-sided 95 % upper bound of a share (Clopper and Pearson 1934)."""
    return 1.0 if count == runs else float(special.betaincinv(count + 1, runs - count, 0.95))


def wrong(scenario: Scenario, ends: Ends) -> int:
    """How many runs ended as they must not."""
    return int((ends.end == scenario.wrong).sum())


def run(runs: int) -> None:
    """Print a table, one line a scenario."""
    started = time.monotonic()
    head = f"{'':36}{'back':>8}{'promoted':>10}{'wrong':>7}{'bound':>8}{'z-test':>8}"
    print(f"{runs:,} runs each\n{head}{'minutes':>9}{'requests':>10}{'bad':>6}")
    for scenario in (*IDENTICAL, *REGRESSIONS, *SHOWN):
        print(_line(scenario, scenario.play(runs)), flush=True)
    print(
        "back, promoted: of all runs. wrong: runs that ended as they must not, bound: 95 % upper.\n"
        "z-test: runs in which one of errors at 1 %, asked at every look, would have fired.\n"
        "minutes, requests, bad: medians to the end; the challenger's, bad of what regressed.\n"
        f"{time.monotonic() - started:.0f} s"
    )


def _line(scenario: Scenario, ends: Ends) -> str:
    runs, count = ends.end.size, wrong(scenario, ends)
    shares = [float((ends.end == end).mean()) for end in (ROLLED_BACK, PROMOTED)]
    minutes = float(np.median(ends.looks)) * LOOK_SECONDS / 60
    return (
        f"{scenario.name:36}{shares[0]:8.2%}{shares[1]:10.2%}{count:7}"
        f"{upper_bound(count, runs):8.2%}{ends.peeked.mean():8.1%}{minutes:9.1f}"
        f"{np.median(ends.requests):10.0f}{np.median(ends.bad):6.0f}"
    )
