"""A search: trials in parallel, the same result every time, nothing finished ever lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from pipelines import registry
from pipelines.errors import ModelError
from pipelines.models.space import Knob, Value
from pipelines.settings import TuneSettings
from pipelines.tuning.journal import open_study
from pipelines.tuning.pruners import Decision, decide
from pipelines.tuning.workers import Rung, Workers

_SLOT = "slot"
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
OnTrial = Callable[[int, int], None]


@dataclass(frozen=True)
class Search:
    """What is searched and how.

    Attributes:
        key: digest of everything that the scores depend on; two searches with the same key are
            one search, and the longer one goes on where the shorter ended.
        space: the knobs.
        rungs: how often a trial is scored while it trains.
        fixed: hyperparameters that are not searched.
        settings: sampler, pruner, trials, workers, seed.
    """

    key: str
    space: Mapping[str, Knob]
    rungs: int
    fixed: Mapping[str, Value]
    settings: TuneSettings

    @property
    def lag(self) -> int:
        """How far back the history of a trial ends; the slack that keeps all workers busy."""
        return 2 * self.settings.workers


def run(search: Search, journal: Path, workers: Workers, on_trial: OnTrial) -> list[FrozenTrial]:
    """Run the search to its end, and return its finished trials in the order of their slots.

    Args:
        search: what to search.
        journal: the file that finished trials are appended to, and read from on a resume.
        workers: scores parameters rung by rung, in parallel.
        on_trial: called with (finished, wanted) after every trial.

    Raises:
        ModelError: a trial fails with an error, or its worker dies again and again.
        StateError: the journal is damaged.
    """
    # Optuna announces every study it makes, and one is made for each suggestion.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = open_study(search.key, journal)
    total = search.settings.trials
    # An earlier search may have been longer than this one is to be.
    slots = {t.user_attrs[_SLOT]: t for t in study.trials if t.state in _FINISHED}
    finished = {slot: trial for slot, trial in slots.items() if slot < total}
    waiting = [slot for slot in range(total) if slot not in finished]
    on_trial(len(finished), total)
    while len(finished) < total:
        while waiting and workers.has_idle() and _may_start(waiting[0], search.lag, finished):
            slot = waiting.pop(0)
            workers.start(slot, suggest(search, _history(search, finished, slot), slot))
        rung = workers.next_rung()
        decision = _decide(search, _history(search, finished, rung.slot), rung)
        if not (rung.is_last or decision.is_pruned):
            workers.go_on(rung.slot)
            continue
        workers.finish(rung.slot)
        trial = _trial(search, rung, decision)
        study.add_trial(trial)
        finished[rung.slot] = trial
        on_trial(len(finished), total)
    return [finished[slot] for slot in range(total)]


def suggest(search: Search, history: list[FrozenTrial], slot: int) -> dict[str, Value]:
    """What trial `slot` tries. The first one tries the defaults, so no search ends below them."""
    searched = {name: knob for name, knob in search.space.items() if name not in search.fixed}
    if slot == 0 or not searched:
        values = {name: knob.default for name, knob in searched.items()}
    else:
        sampler = registry.load(registry.SAMPLERS, search.settings.sampler)
        values = sampler(searched, history, slot, search.settings.seed)
    return {**values, **search.fixed}


def best(trials: list[FrozenTrial]) -> FrozenTrial:
    """The completed trial with the highest score, the earliest of equals.

    Raises:
        ModelError: every trial was pruned.
    """
    completed = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if not completed:
        raise ModelError(
            "every trial was pruned",
            where="params.yaml: tune.pruner",
            next_step="use `none`, or more trials",
        )
    return max(completed, key=lambda trial: (trial.value, -trial.user_attrs[_SLOT]))


def _history(search: Search, finished: Mapping[int, FrozenTrial], slot: int) -> list[FrozenTrial]:
    """What trial `slot` may know of: the same trials, whichever of the others were faster."""
    return [finished[earlier] for earlier in range(slot - search.lag + 1)]


def _may_start(slot: int, lag: int, finished: Mapping[int, FrozenTrial]) -> bool:
    return all(earlier in finished for earlier in range(slot - lag + 1))


def _decide(search: Search, history: list[FrozenTrial], rung: Rung) -> Decision:
    # The last rung ends the trial anyway; what the earlier ones were noted with is kept.
    asked = rung.scores[:-1] if rung.is_last else rung.scores
    pruner = registry.load(registry.PRUNERS, search.settings.pruner)(search.rungs)
    return decide(pruner, search.key, history, rung.slot, asked)


def _trial(search: Search, rung: Rung, decision: Decision) -> FrozenTrial:
    searched = {n: value for n, value in rung.params.items() if n not in search.fixed}
    return optuna.trial.create_trial(
        state=TrialState.PRUNED if decision.is_pruned else TrialState.COMPLETE,
        value=rung.scores[-1],
        params=searched,
        distributions={name: search.space[name].distribution() for name in searched},
        user_attrs={_SLOT: rung.slot},
        system_attrs=decision.notes,
        intermediate_values=dict(enumerate(rung.scores, start=1)),
    )


def table(trials: list[FrozenTrial]) -> list[dict[str, Value]]:
    """One row a trial, without anything that differs from run to run."""
    return [
        {
            "trial": trial.user_attrs[_SLOT],
            "state": trial.state.name,
            "score": trial.value,
            "rungs": len(trial.intermediate_values),
            **trial.params,
        }
        for trial in trials
    ]
