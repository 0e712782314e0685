"""Search spaces as data, so that a grid, a sampler and a check can all read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import ModelError

if TYPE_CHECKING:
    import optuna

Value = float | int | str | bool


@dataclass(frozen=True)
class Real:
    """A real hyperparameter in [low, high]."""

    low: float
    high: float
    default: float
    is_log: bool = False

    def distribution(self) -> optuna.distributions.BaseDistribution:
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.is_log)

    def at(self, share: float) -> Value:
        """The value at `share` of the range, from 0 (low) to 1 (high)."""
        if self.is_log:
            return float(self.low * (self.high / self.low) ** share)
        return float(self.low + (self.high - self.low) * share)

    def grid(self) -> list[Value]:
        return [self.at(0.0), self.at(0.5), self.at(1.0)]


@dataclass(frozen=True)
class Whole:
    """A whole hyperparameter in [low, high]."""

    low: int
    high: int
    default: int
    is_log: bool = False

    def distribution(self) -> optuna.distributions.BaseDistribution:
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.is_log)

    def at(self, share: float) -> Value:
        """The value at `share` of the range, from 0 (low) to 1 (high)."""
        real = Real(self.low, self.high, self.default, self.is_log)
        return round(float(real.at(share)))

    def grid(self) -> list[Value]:
        return list(dict.fromkeys([self.at(0.0), self.at(0.5), self.at(1.0)]))


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Value, ...]
    default: Value

    def distribution(self) -> optuna.distributions.BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def at(self, share: float) -> Value:
        """The value at `share` of the list, from 0 (first) to 1 (last)."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    def grid(self) -> list[Value]:
        return list(self.values)


Knob = Real | Whole | Choice


def defaults(space: Mapping[str, Knob]) -> dict[str, Value]:
    """The value of every knob before anything was searched."""
    return {name: knob.default for name, knob in space.items()}


def complete(
    family: str, space: Mapping[str, Knob], params: Mapping[str, Value]
) -> dict[str, Value]:
    """`params` over the defaults.

    Raises:
        ModelError: a name that is not in the space, or a value of another kind than its knob.
            The bounds are those of the search: a fixed value may lie beyond them.
    """
    for name, value in params.items():
        if name not in space:
            raise ModelError(
                f"{family} has no hyperparameter {name!r}; it has {', '.join(space) or 'none'}",
                where="params.yaml: train.fixed",
                next_step="use one of those, or another train.family",
            )
        knob = space[name]
        if isinstance(knob, Choice):
            is_wrong = value not in knob.values
        else:
            is_wrong = not _is_number(value, is_whole=isinstance(knob, Whole))
        if is_wrong:
            raise ModelError(
                f"{value!r} is not a value of {knob}",
                where=f"params.yaml: train.fixed.{name}",
                next_step="mend the value",
            )
    return {**defaults(space), **params}


def _is_number(value: Value, *, is_whole: bool) -> bool:
    if isinstance(value, bool | str) or not math.isfinite(value):
        return False
    return not is_whole or float(value).is_integer()
