"""Traffic of many simulated rollouts at once: how many requests, and which of them are bad."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

LOOK_SECONDS = 10
_DAY = 86_400


@dataclass(frozen=True)
class Traffic:
    """What the two arms meet.

    Attributes:
        rates: the champion's rate of bad events, by metric.
        ratios: what the challenger's is a multiple of, by metric; 1 where not named.
        from_stage: the stage at which those ratios begin to hold.
        requests_a_second: of both arms together.
        swings: how much requests and rates go up and down over a day, 0 to 1.
        bursts: the chance a look that, for this look, one in five answers of both arms is bad.
        subjects: how many clients there are, each of them always in the same arm; None: so many
            that it makes no difference.
    """

    rates: dict[str, float]
    ratios: dict[str, float]
    from_stage: int = 0
    requests_a_second: float = 50.0
    swings: float = 0.0
    bursts: float = 0.0
    subjects: int | None = None


@dataclass(frozen=True)
class Look:
    """Counts of one look, in each of the runs that still go on.

    Attributes:
        challenger, champion: shape (runs,), requests.
        challenger_bad, champion_bad: shape (runs, metrics).
    """

    challenger: Whole
    champion: Whole
    challenger_bad: Whole
    champion_bad: Whole


class Source:
    """Draws looks.

    Args:
        traffic: what to draw.
        runs: how many rollouts.
        seed: the same seed gives the same looks.
    """

    def __init__(self, traffic: Traffic, runs: int, seed: int) -> None:
        self._traffic = traffic
        self._random = np.random.default_rng(seed)
        self._phase = self._random.uniform(0, 2 * np.pi, runs)
        # Where each subject of each run stands: below the weight, it is the challenger's. Some
        # ask a hundred times as often as others.
        if traffic.subjects:
            shape = (runs, traffic.subjects)
            self._places = self._random.random(shape)
            activity = self._random.lognormal(0, 1.5, shape)
            self._activity = activity / activity.sum(axis=1, keepdims=True)

    def look(self, number: int, active: Whole, stage: Whole, weight: Floats) -> Look:
        """Look `number` of the active runs, at their stages and weights (0 to 1)."""
        traffic, random = self._traffic, self._random
        angle = 2 * np.pi * number * LOOK_SECONDS / _DAY + self._phase[active]
        swing = 1 + traffic.swings * np.sin(angle)
        total = random.poisson(traffic.requests_a_second * LOOK_SECONDS * swing)
        challenger = random.binomial(total, self._share(active, weight))
        rates = np.array(list(traffic.rates.values())) * swing[:, None]
        is_burst = random.random(active.size) < traffic.bursts
        rates = np.where(is_burst[:, None], 0.2, rates)
        ratios = np.array([traffic.ratios.get(metric, 1.0) for metric in traffic.rates])
        worse = np.where((stage >= traffic.from_stage)[:, None], ratios, 1.0)
        champion = total - challenger
        return Look(
            challenger,
            champion,
            random.binomial(challenger[:, None], np.minimum(rates * worse, 1.0)),
            random.binomial(champion[:, None], rates),
        )

    def _share(self, active: Whole, weight: Floats) -> Floats:
        if not self._traffic.subjects:
            return weight
        is_challengers = self._places[active] < weight[:, None]
        share: Floats = (self._activity[active] * is_challengers).sum(axis=1)
        return np.minimum(share, 1.0)
