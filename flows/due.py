"""What is due for a model and begun by nobody: found in the state store, told to Prefect.

It is told again at every look until somebody has begun it, so that a Prefect that was down, or an
event that was lost, costs time and nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from flows import events
from flows.learned import settle
from pipelines import settings
from pipelines.monitoring.triggers.inbox import Start
from pipelines.paths import home
from pipelines.releasing.project import Project
from pipelines.releasing.registered import waiting
from pipelines.rollout import store as rollouts
from pipelines.state import ledger, store


def retrain(root: Path, model: str) -> Start | None:
    """Have the inbox decide, and tell of the retrain that is to begin, if any.

    Raises:
        EvergreenError: there is no such model, or the store cannot be used.
    """
    chosen = settings.load(root).model(model)
    engine = store.connect(home(root).database)
    start = settle(root, engine, model, chosen.trigger, datetime.now(UTC))
    if start is not None:
        events.tell_start(start)
    return start


def rollout(root: Path, model: str) -> str | None:
    """Tell of the rollout that is open or could begin; why, or None.

    Raises:
        EvergreenError: the project or its store cannot be used.
    """
    project = Project.at(root)
    why = _rollout(project, model)
    if why is not None:
        events.tell_rollout(model, why)
    return why


def _rollout(project: Project, model: str) -> str | None:
    is_open = rollouts.current(project.engine, model)
    if is_open is not None:
        return f"the rollout of {is_open.state.plan.challenger} is {is_open.state.phase}"
    if ledger.live(project.engine, model) is None:
        return None
    found = waiting(project, model)
    return f"{found[-1].version.name} waits for its rollout" if found else None
