"""How good the best trial is after so many trials, for every sampler, on one problem.

The problem costs nothing to score, so seeds can be many. It has what spaces of families have: a
knob on a log scale, one that hardly matters, a whole one, a choice on which the best of the
others depends, and a ripple, which makes hills beside the highest.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

import optuna
from optuna.trial import TrialState, create_trial

from pipelines import registry
from pipelines.models.space import Choice, Knob, Real, Value, Whole
from pipelines.settings import TuneSettings
from pipelines.tuning.study import Search, suggest

SPACE: dict[str, Knob] = {
    "rate": Real(1e-4, 1.0, default=0.1, is_log=True),
    "share": Real(0.0, 1.0, default=0.5),
    "depth": Whole(1, 64, default=8, is_log=True),
    "idle": Real(0.0, 1.0, default=0.5),
    "kind": Choice(("wide", "deep", "flat"), default="flat"),
}
AFTER = (5, 10, 20, 40)


def run(seeds: int) -> None:
    """Print a table: the median over the seeds of the best score; 1 is the highest there is."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(f"best score, median of {seeds} seeds (1 is the optimum)")
    print(f"{'sampler':12}" + "".join(f"{after:>4} trials" for after in AFTER))
    for name in registry.SAMPLERS:
        curves = [_best_by_trial(name, seed) for seed in range(seeds)]
        medians = [statistics.median(curve[after - 1] for curve in curves) for after in AFTER]
        print(f"{name:12}" + "".join(f"{median:11.4f}" for median in medians), flush=True)


def score(params: Mapping[str, Value]) -> float:
    """At most 1: at rate 0.01, share 0.7, and depth 32 where the kind is `deep`."""
    rate = (math.log10(float(params["rate"])) + 2) / 2
    share = float(params["share"]) - 0.7
    best_depth = {"wide": 4, "deep": 32, "flat": 12}[str(params["kind"])]
    depth = math.log2(float(params["depth"]) / best_depth) / 3
    behind = {"wide": 0.05, "deep": 0.0, "flat": 0.1}[str(params["kind"])]
    ripple = 0.02 * (1 - math.cos(6 * math.pi * share)) + 0.002 * float(params["idle"])
    return 1 - 0.3 * rate**2 - 0.5 * share**2 - 0.2 * depth**2 - behind - ripple


def _best_by_trial(sampler: str, seed: int) -> list[float]:
    settings = TuneSettings(sampler=sampler, pruner="none", trials=AFTER[-1], workers=1, seed=seed)
    search = Search("benchmark", SPACE, 1, {}, settings)
    trials: list[optuna.trial.FrozenTrial] = []
    best: list[float] = []
    for slot in range(AFTER[-1]):
        found = suggest(search, trials[: max(slot - search.lag + 1, 0)], slot)
        reached = score(found.params)
        best.append(max([reached, *best[-1:]]))
        trials.append(
            create_trial(
                state=TrialState.COMPLETE,
                value=reached,
                params=found.params,
                distributions={name: knob.distribution() for name, knob in SPACE.items()},
                system_attrs=dict(found.notes),
                user_attrs={"slot": slot},
            )
        )
    return best
