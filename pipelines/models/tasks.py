"""Which families can be trained for which task, and with which hyperparameters."""

from __future__ import annotations

from pipelines import registry
from pipelines.errors import SettingsError
from pipelines.models.base import Family, Fixable, Params, Teachable
from pipelines.models.space import complete
from pipelines.schema import Task
from pipelines.settings import TrainSettings


def require_params(name: str, family: Family, params: Params) -> None:
    """Refuse hyperparameters that the family does not have, before anything is started for them.

    Raises:
        ModelError: a name or a value that means nothing to it.
    """
    if isinstance(family, Fixable):
        family.check(params)
    else:
        complete(name, family.space(), params)


def require_student(chosen: TrainSettings, family: Family, params: Params) -> None:
    """Refuse a student that could not be taught, before its teacher is trained.

    Args:
        chosen: which student, if any.
        family: of both.
        params: of the teacher, as far as they are known.

    Raises:
        SettingsError: models of this family teach nobody; lists the families whose models do.
        ModelError: a name or a value that means nothing to the family.
    """
    if chosen.compress != "distilled":
        return
    if not isinstance(family, Teachable):
        able = [
            other
            for other in sorted(registry.MODEL_FAMILIES)
            if isinstance(registry.load(registry.MODEL_FAMILIES, other)(), Teachable)
        ]
        raise SettingsError(
            f"a model of {chosen.family} cannot teach a smaller one",
            where="params.yaml: train.compress",
            next_step=f"set it to none, or use one of {', '.join(able)}",
        )
    family.student(params, chosen.student)


def require_task(name: str, family: Family, task: Task) -> None:
    """Refuse a family that cannot answer what is asked.

    Raises:
        SettingsError: it cannot; lists the families that can.
    """
    if task in family.tasks:
        return
    able = [
        other
        for other in sorted(registry.MODEL_FAMILIES)
        if task in registry.load(registry.MODEL_FAMILIES, other).tasks
    ]
    raise SettingsError(
        f"{name} cannot be trained for {task}",
        where="params.yaml: train.family",
        next_step=f"use one of {', '.join(able)}",
    )
