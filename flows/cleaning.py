"""Clean-up of one model, or of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines import settings
from pipelines.cleaning import finding, needs, planning, removing
from pipelines.cleaning.items import Item, Ruling
from pipelines.paths import home
from pipelines.progress import progress
from pipelines.rollout import store as rollouts
from pipelines.state import leases, store
from pipelines.versioning.git import Repository

_LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class Asked:
    """What a clean-up is to leave.

    Attributes:
        keep_versions: how many of the newest that were live stay on this machine.
        report_days: how long reports of refused runs, and pages of alarms, are kept.
    """

    keep_versions: int = 3
    report_days: float = 90.0


@dataclass(frozen=True)
class Cleaned:
    """The plan for a model, and whether it was carried out."""

    model: str
    rulings: list[Ruling]
    is_done: bool

    @property
    def removed(self) -> list[Ruling]:
        return [each for each in self.rulings if each.is_removed]

    @property
    def size(self) -> int:
        """Bytes of what goes."""
        return sum(each.item.size for each in self.removed)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "is_done": self.is_done,
            "bytes": self.size,
            "items": [each.to_json() for each in self.rulings],
        }


def clean(root: Path, models: list[str], asked: Asked, *, is_done: bool) -> list[Cleaned]:
    """Plan a clean-up, and carry it out if asked to.

    While a model is cleaned up no retrain of it runs and no rollout of it ticks.

    Args:
        root: the project.
        models: names in params.yaml; all of them if none is named.
        asked: what to leave.
        is_done: whether anything is removed.

    Raises:
        BusyError: a retrain or a rollout's tick of a model is at work.
        EvergreenError: there is no such model, or the store or git fails.
    """
    known = settings.load(root).models
    for model in models:
        settings.load(root).model(model)
    return [_clean(root, model, asked, is_done=is_done) for model in models or known]


def _clean(root: Path, model: str, asked: Asked, *, is_done: bool) -> Cleaned:
    found = finding.find(Repository.at(root), home(root), model)
    if not is_done:
        return Cleaned(model, _plan(root, model, asked, found), False)
    engine = store.connect(home(root).database)
    who = f"a clean-up of {model}"
    with (
        leases.hold(engine, f"retrain/{model}", who, _LEASE_SECONDS) as retrain,
        leases.hold(engine, rollouts.lease_name(model), who, _LEASE_SECONDS) as rollout,
    ):

        def again(item: Item) -> Ruling:
            retrain.require()
            rollout.require()
            return _plan(root, model, asked, [item])[0]

        return Cleaned(
            model, _carried_out(root, model, _plan(root, model, asked, found), again), True
        )


def _plan(root: Path, model: str, asked: Asked, found: list[Item]) -> list[Ruling]:
    """Rule on items by what is true at this moment."""
    places, engine = home(root), store.connect(home(root).database)
    days = settings.load(root).model(model).serve.log.retention_days
    needed = needs.of_model(engine, places, model, asked.keep_versions, days)
    return planning.plan(found, needed, datetime.now(UTC), asked.report_days)


def _carried_out(
    root: Path, model: str, rulings: list[Ruling], again: Callable[[Item], Ruling]
) -> list[Ruling]:
    done = []
    with progress("clean-up", len(rulings)) as on_progress:
        trash = home(root).removed(model)
        for ruling in removing.remove(Repository.at(root), trash, rulings, again):
            done.append(ruling)
            on_progress(len(done), len(rulings))
    return done
