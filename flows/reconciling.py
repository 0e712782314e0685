"""After a run that was killed: everything is brought in line with the state store."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

_RUN = "prefect.flow-run."


@flow(name="reconcile", persist_result=False)
def reconcile(silent: str | None = None, root: Path | None = None) -> dict[str, list[str]]:
    """Free what a killed run holds, bring the stack in line, and start what is due.

    Args:
        silent: the resource of a flow run that was not heard of any more, as Prefect's events name
            it. While Prefect believes that it runs it holds the place of the next one.
        root: the project; the current folder by default.

    Returns:
        By model, what is due.

    Raises:
        EvergreenError: the store, the gateway or Supervisor does not do as it is asked.
    """
    # Loaded once the run is seen to be running: what starts on an event is to start soon.
    from flows import routers
    from pipelines import settings
    from pipelines.stack import reconcile as stack

    root, logger = (root or Path.cwd()).resolve(), get_run_logger()
    if silent and (name := end_silent(silent)):
        logger.warning("%s was not heard of any more: it counts as crashed", name)
    if routers.of_cluster(root) is None:
        for version, problem in stack.reconcile(root, wait_seconds=0.0).problems.items():
            logger.warning("%s: %s", version, problem)
    return {model: _due(root, model) for model in settings.load(root).models}


def end_silent(resource: str) -> str | None:
    """Mark a flow run as crashed, unless it ended or went on in the meantime: its name, or None."""
    if not resource.startswith(_RUN):
        return None
    run_id = UUID(resource.removeprefix(_RUN))
    with get_client(sync_client=True) as client:
        try:
            run = client.read_flow_run(run_id)
        except ObjectNotFound:
            return None
        if run.state is None or not run.state.is_running():
            return None
        why = "no heartbeat: its process, or its machine, is gone"
        client.set_flow_run_state(run_id, Crashed(message=why), force=True)
        return str(run.name)


def _due(root: Path, model: str) -> list[str]:
    from flows import due

    start, rollout = due.retrain(root, model), due.rollout(root, model)
    retrain = None if start is None else f"trigger {start.trigger.id}, attempt {start.attempt}"
    return [said for said in (retrain, rollout) if said]
