"""Is there anything that the live version has not learned from yet?"""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.replaying import until_of_replay
from pipelines import settings
from pipelines.monitoring.triggers import inbox
from pipelines.settings import IngestSettings, ModelSettings
from pipelines.stages import ingest
from pipelines.state import ledger
from pipelines.versioning import versions, watched
from pipelines.versioning.git import Repository

_UNTIL = "ingest.until"


def nothing_new(root: Path, engine: sa.Engine, model: str) -> str | None:
    """That a retrain would see the live version's data again, in words; None if there is more.

    The source is looked at only if a trigger waits, as its digest may take a while.

    Raises:
        EvergreenError: the source, or what the live version was made from, cannot be read.
    """
    live = ledger.live(engine, model)
    if live is None or not inbox.is_waited_for(engine, model):
        return None
    repository = Repository.at(root)
    version = versions.find(repository, model, live.version)
    known = watched.settings_of(repository, version)
    text = repository.show(version.commit, f"data/{model}/source.json")
    if known is None or text is None:  # it is from before either was written down
        return None
    chosen = settings.load(root).model(model)
    read = _as_of_replay(chosen, until_of_replay(root, model))
    if read != known.ingest:
        return None
    with chdir(root):  # where a relative source begins
        if ingest.look(chosen) != json.loads(text)["fingerprint"]:
            return None
    through = f" through {read.until}" if read.until else ""
    return f"{live.version} has learned from all that is there{through}"


def _as_of_replay(chosen: ModelSettings, overrides: dict[str, Any] | None) -> IngestSettings:
    """What a retrain would read now; while a replay says what time it is, that much."""
    if overrides is None:
        return chosen.ingest
    return chosen.ingest.model_copy(update={"until": overrides[_UNTIL]})
