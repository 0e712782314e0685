"""The retrain that answers a trigger of the inbox, and the one that a schedule asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

from pipelines.errors import BusyError

SCHEDULE = "the schedule"


@flow(name="retrain-on-trigger", flow_run_name="retrain-{model}", persist_result=False)
def answer(
    model: str,
    trigger: int | None = None,
    attempt: int | None = None,
    reason: str = SCHEDULE,
    overrides: dict[str, Any] | None = None,
    root: Path | None = None,
) -> str:
    """Take up a start of the inbox and retrain; without one, ask the inbox for it first.

    Args:
        model: its name in params.yaml.
        trigger, attempt: what an event said is to begin.
        reason: why, when nothing of the inbox is meant.
        overrides: dotted keys below the model and their values, as in {"ingest.until": "2013-05"}.
        root: the project; the current folder by default.

    Returns:
        What came of it, in words: a version, a refusal, or why nothing was trained.

    Raises:
        EvergreenError: the retrain broke down; its trigger is back in the inbox.
    """
    # Loaded once the run is seen to be running: what starts on an event is to start soon.
    from flows import due
    from flows.monitoring import ask, retrain_for
    from flows.replaying import until_of_replay

    root, logger = (root or Path.cwd()).resolve(), get_run_logger()
    if trigger is None or attempt is None:
        start = ask(root, model, reason)
        if start is None:
            return _said("the inbox keeps it waiting; `evergreen triggers` says why")
        trigger, attempt = start.trigger.id, start.attempt
    try:
        given = overrides or until_of_replay(root, model)
        why = retrain_for(root, model, trigger, attempt, given)
    except BusyError as busy:
        # The event was told twice, or somebody retrains by hand; the inbox has it in either case.
        return _said(busy.problem)
    logger.info(why)
    due.rollout(root, model)
    return why


def _said(why: str) -> str:
    get_run_logger().info("nothing is trained: %s", why)
    return why
