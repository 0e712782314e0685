"""Pairs of models whose true AUCs are known, so that a gate's error rates can be counted.

The binormal model: a score is `separation * label + noise`, so its AUC is
Phi(separation / sqrt(2 + day_spread^2)), exactly, whatever the prevalence. The two models' noises
are correlated, as those of two models trained on overlapping data are. With a `day_spread` the
challenger's separation differs from day to day: rows of a day then fail together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    rows: int = 20_000
    prevalence: float = 0.10
    champion_auc: float = 0.85
    challenger_auc: float = 0.85
    correlation: float = 0.9
    days: int = 30
    day_spread: float = 0.0

    def draw(self, seed: int) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
        """Labels, champion's scores, challenger's scores (as probabilities) and days."""
        generator = np.random.default_rng(seed)
        labels = (generator.random(self.rows) < self.prevalence).astype(np.float64)
        days = generator.integers(0, self.days, self.rows)
        noise = generator.normal(size=self.rows)
        other = generator.normal(size=self.rows)
        second = self.correlation * noise + np.sqrt(1 - self.correlation**2) * other
        of_day = generator.normal(0, self.day_spread, self.days)[days]
        champion = separation(self.champion_auc, 0.0) * labels + noise
        challenger = (separation(self.challenger_auc, self.day_spread) + of_day) * labels + second
        return (
            labels,
            self.probability(champion, self.champion_auc, 0.0),
            self.probability(challenger, self.challenger_auc, self.day_spread),
            days,
        )

    def probability(self, score: Floats, auc: float, day_spread: float) -> Floats:
        """Bayes' rule for the binormal score, without the day: calibrated when days are equal."""
        apart = separation(auc, day_spread)
        odds = np.log(self.prevalence / (1 - self.prevalence))
        return 1 / (1 + np.exp(-(odds + apart * score - apart**2 / 2)))


def separation(auc: float, day_spread: float) -> float:
    return float(stats.norm.ppf(auc) * np.sqrt(2 + day_spread**2))
