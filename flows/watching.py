"""The monitor as a flow: one check, and what is due because of it is told to Prefect."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prefect import flow, get_run_logger


@flow(name="monitor", flow_run_name="monitor-{model}", persist_result=False)
def watch(model: str, root: Path | None = None, at: datetime | None = None) -> dict[str, object]:
    """Look at all windows of the live version that are due.

    An alarm is no failure of this flow, which did what it is for. What it decided is in the inbox;
    the event only says so, and is told again when nobody took it up.

    Args:
        model: its name in params.yaml.
        root: the project; the current folder by default.
        at: the end of time; now by default.

    Returns:
        The verdict on the newest window with its reason, the trigger that starts a retrain, and
        why a rollout is due; each None if there is none.

    Raises:
        EvergreenError: a log or the store cannot be read.
    """
    # Loaded once the run is seen to be running: what starts on an event is to start soon.
    from flows import due, events
    from flows.monitoring import monitor
    from pipelines.paths import home
    from pipelines.state import ledger, store

    root, logger = (root or Path.cwd()).resolve(), get_run_logger()
    outcome = reason = trigger = None
    if ledger.live(store.connect(home(root).database), model) is None:
        logger.info("nothing of %s is live yet: nothing to look at", model)
        start = due.retrain(root, model)
    else:
        found = monitor(root, model, at, tell=events.tell_start)
        verdict, start = found.windows[-1].verdict, found.start
        outcome, reason = verdict.outcome.value, verdict.reason
        logger.info("%s: %s", outcome, reason)
    if start is not None:
        trigger = start.trigger.id
        logger.info("trigger %d, attempt %d: %s", trigger, start.attempt, start.trigger.why)
    rollout = due.rollout(root, model)
    return {"outcome": outcome, "reason": reason, "trigger": trigger, "rollout": rollout}
