"""A search: trials in parallel, the same result every time, nothing finished ever lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import optuna
from optuna.trial import FrozenTrial, TrialState

from pipelines import registry
from pipelines.errors import ModelError
from pipelines.models.space import Knob, Value
from pipelines.settings import TuneSettings
from pipelines.tuning.engine import Engine, Rung
from pipelines.tuning.objectives import directions
from pipelines.tuning.pruners import Decision, decide
from pipelines.tuning.stores import SLOT, Store
from pipelines.tuning.turn import Suggestion, Turn

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
        settings: sampler, pruner, objectives, trials, workers, seed.
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

    @property
    def searched(self) -> dict[str, Knob]:
        """The knobs that are not fixed."""
        return {name: knob for name, knob in self.space.items() if name not in self.fixed}


def run(search: Search, store: Store, engine: Engine, on_trial: OnTrial) -> list[FrozenTrial]:
    """Run the search to its end, and return its finished trials in the order of their slots.

    Args:
        search: what to search.
        store: where finished trials are, and go to. Others may work on the same search there.
        engine: scores parameters rung by rung, in parallel.
        on_trial: called with (finished, wanted) after every trial.

    Raises:
        ModelError: a trial fails with an error or scores no number, or its worker dies again
            and again.
        StateError: the store fails.
    """
    # Optuna announces every study it makes, and one is made for each suggestion.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return _Run(search, store, engine, on_trial).to_the_end()


@dataclass
class _Run:
    search: Search
    store: Store
    engine: Engine
    on_trial: OnTrial
    finished: dict[int, FrozenTrial] = field(default_factory=dict)
    running: dict[int, Suggestion] = field(default_factory=dict)

    def to_the_end(self) -> list[FrozenTrial]:
        total = self.search.settings.trials
        self.on_trial(0, total)
        self._look()
        while len(self.finished) < total:
            self._start()
            rung = self.engine.next_rung(self.store.patience)
            if rung is not None:
                self._judge(rung)
            self._look()
        return [self.finished[slot] for slot in range(total)]

    def _look(self) -> None:
        """Learn what is finished; an earlier search may have been longer than this one is."""
        total = self.search.settings.trials
        known = {slot: trial for slot, trial in self.store.finished().items() if slot < total}
        if len(known) > len(self.finished):
            self.on_trial(len(known), total)
        self.finished = known

    def _start(self) -> None:
        for slot in range(self.search.settings.trials):
            if slot in self.finished or slot in self.running:
                continue
            if not self.engine.has_idle() or not self._is_history_known(slot):
                return
            if self.store.claim(slot):
                self.running[slot] = suggest(self.search, self._history(slot), slot)
                self.engine.start(slot, self.running[slot].params)

    def _judge(self, rung: Rung) -> None:
        decision = _decide(self.search, self._history(rung.slot), rung)
        if not (rung.is_last or decision.is_pruned):
            self.engine.go_on(rung.slot)
            return
        self.engine.finish(rung.slot)
        notes = self.running.pop(rung.slot).notes
        self.store.add(rung.slot, _trial(self.search, rung, decision, notes))

    def _history(self, slot: int) -> list[FrozenTrial]:
        """What a trial may know of: the same trials, whichever of the others were faster."""
        return [self.finished[earlier] for earlier in range(slot - self.search.lag + 1)]

    def _is_history_known(self, slot: int) -> bool:
        return all(earlier in self.finished for earlier in range(slot - self.search.lag + 1))


def suggest(search: Search, history: list[FrozenTrial], slot: int) -> Suggestion:
    """What trial `slot` tries. The first one tries the defaults, so no search ends below them."""
    searched = search.searched
    settings = search.settings
    if slot == 0 or not searched:
        defaults = {name: knob.default for name, knob in searched.items()}
        return Suggestion({**defaults, **search.fixed})
    sampler = registry.load(registry.SAMPLERS, settings.sampler)
    towards = directions(settings.objectives)
    found = sampler(Turn(searched, history, slot, settings.seed, search.lag, towards))
    return Suggestion({**found.params, **search.fixed}, found.notes)


def _decide(search: Search, history: list[FrozenTrial], rung: Rung) -> Decision:
    if not math.isfinite(rung.scores[-1]):
        raise ModelError(
            f"trial {rung.slot} scored {rung.scores[-1]} with {dict(rung.params)}",
            where="params.yaml: train.family",
            next_step="narrow the family's space, or fix the hyperparameter in train.fixed",
        )
    if search.settings.pruner == "none":
        return Decision(is_pruned=False, notes={})
    # The last rung ends the trial anyway; what the earlier ones were noted with is kept.
    asked = rung.scores[:-1] if rung.is_last else rung.scores
    pruner = registry.load(registry.PRUNERS, search.settings.pruner)(search.rungs)
    return decide(pruner, search.key, history, rung.slot, asked)


def _trial(
    search: Search, rung: Rung, decision: Decision, notes: Mapping[str, object]
) -> FrozenTrial:
    searched = {n: value for n, value in rung.params.items() if n not in search.fixed}
    values = [rung.scores[-1]]
    if len(search.settings.objectives) > 1:
        assert rung.cost is not None, "the last rung of a trial says what its model costs"
        values.append(rung.cost)
    return optuna.trial.create_trial(
        state=TrialState.PRUNED if decision.is_pruned else TrialState.COMPLETE,
        values=values,
        params=searched,
        distributions={name: search.space[name].distribution() for name in searched},
        user_attrs={SLOT: rung.slot},
        system_attrs={**notes, **decision.notes},
        intermediate_values=dict(enumerate(rung.scores, start=1)),
    )


def table(trials: list[FrozenTrial]) -> list[dict[str, Value]]:
    """One row a trial, without anything that differs from run to run."""
    return [
        {
            "trial": trial.user_attrs[SLOT],
            "state": trial.state.name,
            "score": trial.values[0],
            **({"cost": trial.values[1]} if len(trial.values) > 1 else {}),
            "rungs": len(trial.intermediate_values),
            **trial.params,
        }
        for trial in trials
    ]
