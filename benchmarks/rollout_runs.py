"""Thousands of simulated rollouts at once, judged by the project's own tests.

The arithmetic is that of `pipelines.rollout` over arrays; `tests/rollout/test_error_rates.py` plays
some of the same runs through the state machine and compares the ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.rollout_traffic import Floats, Look, Source, Traffic, Whole
from pipelines.rollout.analysis import SUSPICION, harm_needed
from pipelines.rollout.tally import harm_test, relative_test, started
from pipelines.settings import RolloutSettings
from pipelines.statistics.sequential.bad_rate import log_e_below
from pipelines.statistics.sequential.mixture import log_threshold
from pipelines.statistics.sequential.rate_ratio import log_e, log_e_of_starts

HELD, PROMOTED, ROLLED_BACK = 0, 1, 2
# The level of the test that does not know that it is repeated.
PEEKED_Z = 2.326  # one-sided 1 %
Watch = Callable[[int, Whole, Look], None]


@dataclass(frozen=True)
class Ends:
    """What became of each run: shape (runs,) each.

    Attributes:
        end: HELD, PROMOTED or ROLLED_BACK.
        looks: how many it took.
        requests, bad: the challenger's until then; bad answers of the metrics that regressed, or of
            all where none did.
        peeked: whether a z-test at 1 %, asked at every look of the first metric, ever fired.
    """

    end: Whole
    looks: Whole
    requests: Whole
    bad: Whole
    peeked: NDArray[np.bool_]


class Runs:
    """The state of all runs.

    Args:
        settings: of the rollout; its mirror is left out.
        traffic: what the runs meet.
        runs: how many.
    """

    def __init__(self, settings: RolloutSettings, traffic: Traffic, runs: int) -> None:
        self._settings, self._metrics = settings, tuple(traffic.rates)
        self._weights = np.array(settings.steps[:-1]) / 100
        self._counted = [not traffic.ratios or name in traffic.ratios for name in self._metrics]
        self._harm_test = harm_test(settings)
        self._relative_test = relative_test(self._metrics[0], settings)
        stages, metrics = self._weights.size, len(self._metrics)
        self._harm = np.zeros((runs, metrics, stages, self._harm_test.thetas.size))
        self._relative = np.zeros((runs, metrics, self._relative_test.thetas.size))
        self._bad = np.zeros((runs, metrics))
        self._requests = np.zeros(runs)
        self._sums = np.zeros((4, runs))
        self.stage = np.zeros(runs, dtype=np.int64)
        self.ends = Ends(
            *(np.zeros(runs, dtype=np.int64) for _ in range(4)), np.zeros(runs, dtype=np.bool_)
        )

    def active(self) -> Whole:
        """The runs that still go on."""
        return np.flatnonzero(self.ends.end == HELD)

    def weight(self, active: Whole) -> Floats:
        """The challenger's weight in each of them, 0 to 1."""
        weight: Floats = self._weights[self.stage[active]]
        return weight

    def take(self, active: Whole, look: Look) -> None:
        """Count one look of the active runs, and decide."""
        total = look.challenger + look.champion
        share = (look.challenger / np.maximum(total, 1))[:, None]
        seen = (look.challenger_bad, look.champion_bad, share)
        stage = self.stage[active][:, None]
        self._harm[active] = started(self._harm[active], self._harm_test.gain(*seen), stage)
        self._relative[active] += self._relative_test.gain(*seen)
        self._bad[active] += look.challenger_bad
        self._requests[active] += look.challenger
        self.ends.looks[active] += 1
        self.ends.requests[active] += look.challenger
        self.ends.bad[active] += look.challenger_bad[:, self._counted].sum(axis=1)
        self._peek(active, look)
        self._decide(active)

    def _decide(self, active: Whole) -> None:
        settings = self._settings
        harm = log_e_of_starts(self._harm[active])
        is_harmed = (harm >= harm_needed(settings)).any(axis=1)
        needed = log_threshold(settings.alpha_promote / 2)
        is_fine = log_e(self._relative[active]) >= needed
        for column, metric in enumerate(self._metrics):
            limit = getattr(settings.bad_rate, metric)
            absolute = log_e_below(self._requests[active], self._bad[active, column], limit)
            is_fine[:, column] |= (absolute >= needed) & (harm[:, column] < SUSPICION)
        has_enough = self._requests[active] >= settings.minimum_requests
        passes = is_fine.all(axis=1) & has_enough & ~is_harmed
        self.ends.end[active[is_harmed]] = ROLLED_BACK
        passing = active[passes]
        self.stage[passing] += 1
        for sums in (self._relative, self._bad, self._requests):
            sums[passing] = 0
        is_last = passing[self.stage[passing] == self._weights.size]
        self.ends.end[is_last] = PROMOTED

    def _peek(self, active: Whole, look: Look) -> None:
        counts = (
            look.challenger,
            look.champion,
            look.challenger_bad[:, 0],
            look.champion_bad[:, 0],
        )
        for row, count in enumerate(counts):
            self._sums[row, active] += count
        n, m, bad, other = self._sums[:, active]
        pooled = (bad + other) / (n + m)
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (bad / n - other / m) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        self.ends.peeked[active[(z > PEEKED_Z) & (bad >= 5)]] = True


def simulate(
    settings: RolloutSettings,
    traffic: Traffic,
    *,
    runs: int,
    looks: int,
    seed: int,
    watch: Watch | None = None,
) -> Ends:
    """Play rollouts until all have ended, or for so many looks.

    Args:
        watch: is shown every look: its number, the runs that it is of, and the counts.
    """
    state = Runs(settings, traffic, runs)
    source = Source(traffic, runs, seed)
    for number in range(looks):
        active = state.active()
        if not active.size:
            break
        look = source.look(number, active, state.stage[active], state.weight(active))
        if watch is not None:
            watch(number, active, look)
        state.take(active, look)
    return state.ends
