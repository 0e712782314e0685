"""A search: trials in parallel, the same result every time, nothing finished ever lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from pipelines import registry
from pipelines.errors import ModelError
from pipelines.models.space import Knob, Value
from pipelines.settings import TuneSettings
from pipelines.tuning.workers import Workers

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
        fixed: hyperparameters that are not searched.
        settings: sampler, pruner, trials, workers, seed.
    """

    key: str
    space: Mapping[str, Knob]
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
        ModelError: a trial fails with an error, or every trial was pruned.
    """
    # Optuna announces every study it makes, and one is made for each suggestion.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = _open(search, journal)
    finished = {t.user_attrs[_SLOT]: t for t in study.trials if t.state in _FINISHED}
    total = search.settings.trials
    on_trial(len(finished), total)
    waiting = [slot for slot in range(total) if slot not in finished]
    while len(finished) < total:
        while waiting and workers.has_idle() and _may_start(waiting[0], search.lag, finished):
            slot = waiting.pop(0)
            history = [finished[i] for i in sorted(finished) if i <= slot - search.lag]
            workers.start(slot, suggest(search, history, slot))
        rung = workers.next_rung()
        history = [finished[i] for i in sorted(finished) if i <= rung.slot - search.lag]
        is_pruned = not rung.is_last and _should_prune(search, history, rung.slot, rung.scores)
        if not (rung.is_last or is_pruned):
            workers.go_on(rung.slot)
            continue
        workers.finish(rung.slot)
        trial = _trial(search, rung.slot, rung.params, rung.scores, is_pruned=is_pruned)
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
        values = sampler(searched, history, slot, search.settings.seed + slot)
    return {**values, **search.fixed}


def best(trials: list[FrozenTrial]) -> FrozenTrial:
    """The completed trial with the highest score, the earliest of equals."""
    completed = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if not completed:
        raise ModelError(
            "every trial was pruned",
            where="params.yaml: tune.pruner",
            next_step="use `none`, or more trials",
        )
    return max(completed, key=lambda trial: (trial.value, -trial.user_attrs[_SLOT]))


def _open(search: Search, journal: Path) -> optuna.Study:
    journal.parent.mkdir(parents=True, exist_ok=True)
    _truncate_torn_line(journal)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.create_study(
        study_name=search.key, storage=storage, direction="maximize", load_if_exists=True
    )


def _truncate_torn_line(journal: Path) -> None:
    """A kill in the middle of a write leaves half a line, which Optuna cannot read past."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    if content and not content.endswith(b"\n"):
        with journal.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)


def _may_start(slot: int, lag: int, finished: Mapping[int, FrozenTrial]) -> bool:
    return all(earlier in finished for earlier in range(slot - lag + 1))


def _should_prune(
    search: Search, history: list[FrozenTrial], slot: int, scores: list[float]
) -> bool:
    pruner: optuna.pruners.BasePruner = registry.load(registry.PRUNERS, search.settings.pruner)()
    study = optuna.create_study(
        study_name=search.key, pruner=pruner, direction="maximize", storage=None
    )
    study.add_trials(history)
    running = FrozenTrial(
        number=slot,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values=dict(enumerate(scores, start=1)),
        trial_id=slot,
    )
    return bool(pruner.prune(study, running))


def _trial(
    search: Search, slot: int, params: Mapping[str, Value], scores: list[float], *, is_pruned: bool
) -> FrozenTrial:
    searched = {name: value for name, value in params.items() if name not in search.fixed}
    return optuna.trial.create_trial(
        state=TrialState.PRUNED if is_pruned else TrialState.COMPLETE,
        value=scores[-1],
        params=searched,
        distributions={name: search.space[name].distribution() for name in searched},
        user_attrs={_SLOT: slot},
        intermediate_values=dict(enumerate(scores, start=1)),
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
