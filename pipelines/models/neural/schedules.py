"""How the learning rate changes while a network is trained.

All schedules but `constant` fall from the full rate to the same final share of it, over all steps
of the training; they differ in the way.
"""

from __future__ import annotations

from typing import Any

from pipelines.models.neural.runtime import keras

SCHEDULES = ("constant", "exponential", "cosine", "step")
# A third of the training at each of three rates.
_STAIRS = 3


def schedule(name: str, rate: float, steps: int, final_share: float) -> Any:
    """What Keras takes as a learning rate.

    Args:
        name: one of `SCHEDULES`.
        rate: at the first step.
        steps: of the whole training, at least 1.
        final_share: what is left of the rate at the last step, above 0 and at most 1.
    """
    schedules = keras().optimizers.schedules
    if name == "exponential":
        return schedules.ExponentialDecay(rate, decay_steps=steps, decay_rate=final_share)
    if name == "cosine":
        return schedules.CosineDecay(rate, decay_steps=steps, alpha=final_share)
    if name == "step":
        ends = [steps * stair // _STAIRS for stair in range(1, _STAIRS)]
        falls = [final_share ** (stair / (_STAIRS - 1)) for stair in range(_STAIRS)]
        return schedules.PiecewiseConstantDecay(ends, [rate * fall for fall in falls])
    assert name == "constant", name
    return rate
