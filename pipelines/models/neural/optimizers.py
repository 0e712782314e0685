"""The optimisers by name: what each takes, and the rate that suits it.

| name       | update                                        | source                          |
|------------|-----------------------------------------------|---------------------------------|
| `gd`       | gradient of all rows, one step an epoch       | Cauchy 1847                     |
| `sgd`      | gradient of one batch                         | Robbins and Monro 1951          |
| `momentum` | sgd with a running sum of gradients           | Polyak 1964                     |
| `nesterov` | momentum that looks one step ahead            | Nesterov 1983                   |
| `adagrad`  | rate divided by the root of all squares       | Duchi, Hazan and Singer 2011    |
| `adadelta` | rate from the running size of the updates     | Zeiler 2012                     |
| `rmsprop`  | rate divided by the root of recent squares    | Tieleman and Hinton 2012        |
| `adam`     | rmsprop with momentum, corrected at the start | Kingma and Ba 2015              |
| `adamw`    | adam with decoupled weight decay              | Loshchilov and Hutter 2019      |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.models.neural.runtime import keras
from pipelines.models.space import Knob, Real, Value

_MOMENTUM = {"momentum": Real(0.5, 0.99, default=0.9)}
_BETAS = {
    "beta_1": Real(0.8, 0.99, default=0.9),
    "beta_2": Real(0.9, 0.9999, default=0.999),
    "epsilon": Real(1e-9, 1e-4, default=1e-7, is_log=True),
}


@dataclass(frozen=True)
class Optimizer:
    """One way to follow a gradient.

    Attributes:
        kind: the name of its class in `keras.optimizers`.
        rate: the learning rate that suits it on standardised inputs.
        options: what may be set beside the learning rate.
        constants: what makes it itself among others of its class.
        takes_all_rows: whether one step follows the gradient of all rows.
    """

    kind: str
    rate: float
    options: Mapping[str, Knob] = field(default_factory=dict)
    constants: Mapping[str, Value] = field(default_factory=dict)
    takes_all_rows: bool = False


OPTIMIZERS = {
    "gd": Optimizer("SGD", rate=0.5, takes_all_rows=True),
    "sgd": Optimizer("SGD", rate=0.1),
    "momentum": Optimizer("SGD", rate=0.02, options=_MOMENTUM),
    "nesterov": Optimizer("SGD", rate=0.02, options=_MOMENTUM, constants={"nesterov": True}),
    "adagrad": Optimizer(
        "Adagrad",
        rate=0.02,
        options={"initial_accumulator_value": Real(0.0, 1.0, default=0.1)},
    ),
    "adadelta": Optimizer("Adadelta", rate=1.0, options={"rho": Real(0.8, 0.999, default=0.95)}),
    "rmsprop": Optimizer("RMSprop", rate=1e-3, options={"rho": Real(0.8, 0.999, default=0.9)}),
    "adam": Optimizer("Adam", rate=1e-3, options=_BETAS),
    "adamw": Optimizer(
        "AdamW",
        rate=1e-3,
        options={**_BETAS, "weight_decay": Real(1e-5, 1e-1, default=4e-3, is_log=True)},
    ),
}


def options_of_all() -> dict[str, Knob]:
    """Every option that at least one optimiser takes."""
    return {name: knob for each in OPTIMIZERS.values() for name, knob in each.options.items()}


def built(name: str, rate: Any, options: Mapping[str, Value]) -> Any:
    """The optimiser of Keras.

    Args:
        name: one of `OPTIMIZERS`.
        rate: a number, or a schedule of Keras.
        options: a value for each of its options.
    """
    chosen = OPTIMIZERS[name]
    kind = getattr(keras().optimizers, chosen.kind)
    return kind(learning_rate=rate, **chosen.constants, **options)
