"""Is there anything that the last training has not seen yet?"""

from __future__ import annotations

import json
from contextlib import chdir
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from flows.replaying import until_of_replay
from pipelines import settings
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.inbox import Start
from pipelines.settings import IngestSettings, ModelSettings, TriggerSettings
from pipelines.stages import ingest
from pipelines.state import runs
from pipelines.state.runs import Run
from pipelines.versioning import watched
from pipelines.versioning.git import Repository

_UNTIL = "ingest.until"


def settle(
    root: Path, engine: sa.Engine, model: str, chosen: TriggerSettings, now: datetime
) -> Start | None:
    """Have the inbox decide, which is told whether there is anything new to learn from.

    Raises:
        EvergreenError: as `nothing_new`.
    """
    return inbox.settle(engine, model, chosen, now, nothing_new(root, engine, model))


def nothing_new(root: Path, engine: sa.Engine, model: str) -> str | None:
    """That a retrain would see what the last one saw, in words; None if there is more, or may be.

    The source is looked at only if a trigger waits, as its digest may take a while.

    Raises:
        EvergreenError: the source, or what the last run was made from, cannot be read.
    """
    last = _last(engine, model)
    if last is None or last.commit is None or not inbox.is_waited_for(engine, model):
        return None
    repository = Repository.at(root)
    known = watched.settings_at(repository, last.commit, model)
    text = repository.show(last.commit, f"data/{model}/source.json")
    if known is None or text is None:  # cleaned away, or from before they were written down
        return None
    chosen = settings.load(root).model(model)
    read = _as_of_replay(root, model, chosen)
    if read != known.ingest:
        return None
    with chdir(root):  # where a relative source begins
        if ingest.look(chosen) != json.loads(text)["fingerprint"]:
            return None
    through = f" through {read.until}" if read.until else ""
    return f"run {last.id} saw all that is there{through}, and was {last.status}"


def _last(engine: sa.Engine, model: str) -> Run | None:
    judged = (run for run in runs.latest(engine, model) if run.status in runs.JUDGED)
    return next(judged, None)


def _as_of_replay(root: Path, model: str, chosen: ModelSettings) -> IngestSettings:
    """What a retrain would read now; while a replay says what time it is, that much."""
    overrides = until_of_replay(root, model)
    if overrides is None:
        return chosen.ingest
    return chosen.ingest.model_copy(update={"until": overrides[_UNTIL]})
