"""From hyperparameters to what is done: how a network is trained, checked before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.errors import ModelError
from pipelines.models.base import Params
from pipelines.models.neural.optimizers import OPTIMIZERS, options_of_all
from pipelines.models.neural.schedules import SCHEDULES
from pipelines.models.space import Choice, Knob, Real, Value, Whole, complete

# Set by a person, never searched: each is either another name for a knob that is searched, or
# would only say how long a training lasts.
_SETTINGS: dict[str, Knob] = {
    # Not given, it is the one that suits the optimiser; no single number would be a default.
    "learning_rate": Real(1e-6, 10.0, default=0.0, is_log=True),
    "final_rate_share": Real(1e-4, 1.0, default=0.01, is_log=True),
    "patience": Whole(0, 50, default=5),
}
# What has a meaning at all, far beyond what is worth a search: lowest, highest, and in words.
_LIMITS = {
    "epochs": (1, 1_000_000, "at least 1"),
    "batch_size": (1, 1 << 24, "at least 1"),
    "patience": (0, 1_000_000, "0 (train to the last epoch) or more"),
    "dropout": (0.0, 0.95, "from 0 to 0.95"),
    "learning_rate": (1e-12, 1e6, "above 0"),
    "learning_rate_scale": (1e-6, 1e6, "above 0"),
    "final_rate_share": (1e-9, 1.0, "above 0 and at most 1"),
    "momentum": (0.0, 0.9999, "from 0 to below 1"),
    "beta_1": (0.0, 0.9999, "from 0 to below 1"),
    "beta_2": (0.0, 0.999999, "from 0 to below 1"),
    "rho": (0.0, 0.9999, "from 0 to below 1"),
    "epsilon": (1e-12, 1.0, "above 0"),
    "weight_decay": (0.0, 10.0, "0 or more"),
    "initial_accumulator_value": (0.0, 1e6, "0 or more"),
    "units": (1, 1 << 16, "at least 1"),
    "layers": (1, 16, "from 1 to 16"),
    "filters": (1, 4096, "at least 1"),
    "width": (0.01, 4.0, "from 0.01 to 4"),
}


@dataclass(frozen=True)
class Plan:
    """How a network is trained.

    Attributes:
        optimizer: one of `optimizers.OPTIMIZERS`.
        rate: the learning rate of the first step.
        options: a value for every option of that optimiser.
        schedule: one of `schedules.SCHEDULES`.
        final_rate_share: see `schedules.schedule`.
        batch_size: rows of a step.
        epochs: how often every row is seen, at most.
        patience: so many epochs without a better validation loss end the training; 0: none do.
        shape: what the family makes its layers of.
    """

    optimizer: str
    rate: float
    options: Mapping[str, Value]
    schedule: str
    final_rate_share: float
    batch_size: int
    epochs: int
    patience: int
    shape: Mapping[str, Value]


def searched(epochs: int, own: Mapping[str, Knob]) -> dict[str, Knob]:
    """The search space of a family: what all networks have, and its own.

    The rate is searched as a multiple of the one that suits the optimiser: 0.1 is little for
    adadelta and ruins adam, so one range of rates would leave all but one of them untried.
    Options of a single optimiser are not in it, because a sampler would set them for all.
    """
    return {
        "optimizer": Choice(tuple(OPTIMIZERS), default="adam"),
        "learning_rate_scale": Real(0.1, 10.0, default=1.0, is_log=True),
        "schedule": Choice(SCHEDULES, default="cosine"),
        "batch_size": Whole(16, 512, default=64, is_log=True),
        "epochs": Whole(max(1, epochs // 3), 3 * epochs, default=epochs),
        **own,
    }


def plan(family: str, space: Mapping[str, Knob], own: Mapping[str, Knob], params: Params) -> Plan:
    """What these hyperparameters ask for, with defaults for what they leave open.

    Args:
        family: for messages.
        space: all that `searched` gave the family.
        own: the part of it that shapes the layers.
        params: what is given.

    Raises:
        ModelError: a name that does not exist or does not belong to the chosen optimiser (the
            allowed ones are listed), or a value that has no meaning.
    """
    name = str(params.get("optimizer", space["optimizer"].default))
    options = OPTIMIZERS[name].options if name in OPTIMIZERS else {}
    for other in params.keys() & (options_of_all().keys() - options.keys()):
        if name in OPTIMIZERS:
            raise ModelError(
                f"{name} has no option {other!r}; it has {', '.join(['learning_rate', *options])}",
                where=f"params.yaml: train.fixed.{other}",
                next_step="take the option out, or choose the optimizer that has it",
            )
    chosen = complete(family, {**space, **_SETTINGS, **options}, params)
    rate = (
        OPTIMIZERS[name].rate if "learning_rate" not in params else float(params["learning_rate"])
    )
    _check({**chosen, "learning_rate": rate})
    return Plan(
        optimizer=name,
        rate=rate * float(chosen["learning_rate_scale"]),
        options={option: chosen[option] for option in options},
        schedule=str(chosen["schedule"]),
        final_rate_share=float(chosen["final_rate_share"]),
        batch_size=int(chosen["batch_size"]),
        epochs=int(chosen["epochs"]),
        patience=int(chosen["patience"]),
        shape={knob: chosen[knob] for knob in own},
    )


def _check(chosen: Mapping[str, Value]) -> None:
    for name, value in chosen.items():
        if name in _LIMITS and not isinstance(value, str):
            low, high, allowed = _LIMITS[name]
            if not low <= value <= high:
                raise ModelError(
                    f"{value!r} has no meaning here; it must be {allowed}",
                    where=f"params.yaml: train.fixed.{name}",
                    next_step="mend the value",
                )
