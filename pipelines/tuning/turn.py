"""What a sampler is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna

from pipelines.models.space import Knob, Value

Params = dict[str, Value]


@dataclass(frozen=True)
class Turn:
    """One slot's turn to be sampled: all that its answer may depend on.

    Attributes:
        space: the knobs that are searched.
        history: the finished trials of the slots 0, 1, 2, ... that this slot may know of.
        slot: whose turn it is. 1 or more, because slot 0 tries the defaults.
        seed: of the search.
        lag: the history ends with slot `slot - lag`.
        directions: of the objectives, `maximize` or `minimize`.
    """

    space: Mapping[str, Knob]
    history: Sequence[optuna.trial.FrozenTrial]
    slot: int
    seed: int
    lag: int = 1
    directions: tuple[str, ...] = ("maximize",)

    @property
    def own_seed(self) -> int:
        """Slots of one search, and the same slot of two searches, share no random numbers."""
        return int(np.random.SeedSequence([self.seed, self.slot]).generate_state(1)[0])


@dataclass(frozen=True)
class Suggestion:
    """What a slot tries.

    Attributes:
        params: a value for every knob.
        notes: what the sampler wants to find on this trial when it is part of a history.
    """

    params: Params
    notes: Mapping[str, Any] = field(default_factory=dict)


def ask(sampler: optuna.samplers.BaseSampler, turn: Turn) -> Suggestion:
    """Ask a sampler of Optuna's kind in a study that holds the history and nothing else.

    The study is in memory and made for this turn: what the sampler remembers, it remembers on
    trials, and those are either in the history or not known yet.
    """
    study = optuna.create_study(sampler=sampler, directions=list(turn.directions))
    study.add_trials(list(turn.history))
    trial = study.ask({name: knob.distribution() for name, knob in turn.space.items()})
    return Suggestion(dict(trial.params), dict(study.trials[-1].system_attrs))
