"""A rollout begins: everything that it is judged by is measured, and frozen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines import settings
from pipelines.errors import BusyError, RolloutError
from pipelines.observing.observe import watermark
from pipelines.observing.sources import Sources
from pipelines.releasing import expected, ids, latency
from pipelines.releasing.project import Project
from pipelines.releasing.registered import Registered, registered, require, waiting
from pipelines.rollout import clock, machine, store
from pipelines.rollout.instant import Instant
from pipelines.rollout.plan import Plan
from pipelines.rollout.store import Stored
from pipelines.settings import ModelSettings
from pipelines.signature import Signature
from pipelines.versioning import versions
from pipelines.versioning.holdouts import holdout


def begin(
    project: Project,
    model: str,
    version: str | None,
    sources: Sources,
    now: Instant | None = None,
) -> Stored:
    """Open a rollout; nothing is routed to the challenger before the first tick.

    Args:
        project: where.
        model: its name in params.yaml.
        version: the challenger, as "v3"; by default the newest registered one that neither was
            live nor had a rollout.
        sources: the logs of the model.
        now: the moment.

    Raises:
        SettingsError: there is no such model.
        WorkspaceError: there is no such version.
        RolloutError: nothing is live, the version is live already or exists in part only, or
            cannot be compared with the champion.
        BusyError: a rollout of the model is open.
        EvergreenError: what it is judged by cannot be measured.
    """
    chosen, now = settings.load(project.root).model(model), now or clock.read()
    live = project.live(model)
    _require_none_open(project, model)
    challenger = _challenger(project, model, version)
    champion = require(project, model, live.version)
    _require_another(challenger, champion)
    _require_records(chosen, model)
    plan = _plan(project, chosen, champion, challenger, sources, now)
    state = machine.begin(plan, registered(project, model), watermark(now.wall), now)
    return store.open_new(project.engine, state)


def _require_none_open(project: Project, model: str) -> None:
    """Before minutes of measuring; the store asks again when the rollout is written."""
    running = store.current(project.engine, model)
    if running is not None:
        raise BusyError(
            f"the rollout of {running.state.plan.challenger} is {running.state.phase}",
            where=f"rollout of {model}",
            next_step=f"wait for it to end, or end it with `evergreen rollback {model}`",
        )


def _challenger(project: Project, model: str, version: str | None) -> Registered:
    if version is not None:
        return require(project, model, version)
    fresh = waiting(project, model)
    if fresh:
        return fresh[-1]
    raise RolloutError(
        "there is no registered version that was neither live nor rolled out yet",
        where=f"rollout of {model}",
        next_step=f"run `evergreen retrain {model}`, or name a version to bring back",
    )


def _require_another(challenger: Registered, champion: Registered) -> None:
    if challenger.version == champion.version:
        raise RolloutError(
            f"{challenger.version.name} is live already",
            where=f"rollout of {challenger.version.model}",
            next_step="name another version; `evergreen history` lists what was live",
        )


def _require_records(chosen: ModelSettings, model: str) -> None:
    """A metric that nobody writes down would hold every step until its deadline."""
    is_needed = chosen.rollout.mirror or "invalid" in chosen.rollout.metrics
    if chosen.serve.log.mode == "off" and is_needed:
        raise RolloutError(
            "the servers keep no record of their answers, which the mirror and the metric "
            "`invalid` are counted from",
            where=f"params.yaml: models.{model}.serve.log.mode",
            next_step="set it to fast or audit and retrain, or leave out rollout.mirror and "
            "`invalid`",
        )


def _plan(
    project: Project,
    chosen: ModelSettings,
    champion: Registered,
    challenger: Registered,
    sources: Sources,
    now: Instant,
) -> Plan:
    old, new = _folders(project, champion, challenger)
    rows = holdout(project.repository, project.home, challenger.version)
    measured = expected.measure(old, new, rows)
    name = challenger.version
    return Plan(
        id=ids.new(name.name, now.wall),
        model=name.model,
        champion=champion.version.name,
        challenger=name.name,
        latency_ms=latency.p99_ms(sources, champion.version.name, old, now.wall),
        expected=measured.expected,
        settings=chosen.rollout,
        scale=measured.scale,
    )


def _folders(project: Project, *both: Registered) -> Iterator[Path]:
    folders = [
        versions.model_folder(project.repository, project.home, each.version) for each in both
    ]
    schemas = [Signature.read(folder).schema for folder in folders]
    if not expected.answers_alike(*schemas):
        raise RolloutError(
            f"{both[0].version.name} answers another question",
            where=both[1].version.name,
            next_step="give the model with other answers a name of its own in params.yaml",
        )
    return iter(folders)
