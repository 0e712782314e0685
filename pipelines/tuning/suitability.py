"""Whether a sampler can search a space at all, told before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines import registry
from pipelines.errors import SettingsError
from pipelines.models.space import Choice, Knob

_LEAST_NUMERIC = 2


def require(sampler: str, space: Mapping[str, Knob]) -> None:
    """Refuse a sampler that cannot search this space.

    Every sampler but CMA-ES can search every space: knobs are finite ranges with at most three
    values each in a grid. A space without knobs needs no sampler, and none is refused.

    Raises:
        SettingsError: CMA-ES, and fewer than two knobs are numbers: with one there is no
            covariance to adapt, and choices have none.
    """
    numeric = [name for name, knob in space.items() if not isinstance(knob, Choice)]
    if sampler != "cmaes" or not space or len(numeric) >= _LEAST_NUMERIC:
        return
    others = sorted(registry.SAMPLERS.keys() - {"cmaes"})
    raise SettingsError(
        f"cmaes needs at least {_LEAST_NUMERIC} numeric hyperparameters to search, and there are "
        f"{len(numeric)} ({', '.join(numeric) or 'none'}) among {', '.join(space)}",
        where="params.yaml: tune.sampler",
        next_step=f"use one of {', '.join(others)}, or fix fewer in train.fixed",
    )
