"""What runs the trials of a search, as the search sees it: rung by rung, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pipelines.errors import ModelError
from pipelines.models.space import Value

Params = Mapping[str, Value]


class Scored(NamedTuple):
    """What a worker says at a rung.

    Attributes:
        quality: higher is better.
        is_last: whether the trial is trained to its end.
        cost: of the finished model, when a second objective is searched; at the last rung only.
    """

    quality: float
    is_last: bool
    cost: float | None = None


# Loads what is needed once, and gives a function that scores parameters with growing budget.
Score = Callable[[Params], Iterator[Scored]]
Prepare = Callable[[], Score]
# So often is a trial begun before its worker's death is taken for its own fault.
ATTEMPTS = 3


@dataclass(frozen=True)
class Rung:
    """A trial that has reached its next rung and waits to be told whether to go on."""

    slot: int
    params: Params
    scores: list[float]
    is_last: bool
    cost: float | None = None


class Engine(Protocol):
    """What a search asks of whatever runs its trials: this machine's processes, or a cluster."""

    def has_idle(self) -> bool:
        """Whether `start` has somebody to give a trial to."""
        ...

    def start(self, slot: int, params: Params) -> None:
        """Give a trial to an idle worker."""
        ...

    def next_rung(self, seconds: float | None) -> Rung | None:
        """Wait until some trial reaches a rung; None after `seconds` without one."""
        ...

    def go_on(self, slot: int) -> None:
        """Let a trial train on to its next rung."""
        ...

    def finish(self, slot: int) -> None:
        """End a trial; its worker is idle again."""
        ...

    def close(self) -> None:
        """End all that was started."""
        ...


def died(slot: int, how: str, params: Params) -> ModelError:
    """The error for a trial whose worker died every time."""
    return ModelError(
        f"the worker of trial {slot} died {ATTEMPTS} times ({how}) with {dict(params)}",
        where="params.yaml: tune",
        next_step="lower tune.workers if memory ran out, or fix the parameter in train.fixed",
    )


def failed(error: Exception) -> ModelError:
    """The error for a family that raised something that is not ours."""
    return ModelError(
        f"training failed with {type(error).__name__}: {error}",
        where="params.yaml: train.family",
        next_step="see the traceback above",
    )
