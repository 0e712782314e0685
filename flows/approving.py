"""A person's approval through Prefect, beside a rollout that goes on watching.

The run that is suspended is one of its own: a rollout that was suspended would look at nothing,
while its challenger answers requests.
"""

from __future__ import annotations

import re
from pathlib import Path

from prefect import flow, get_run_logger, suspend_flow_run
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.input import RunInput

from flows.releasing import Desk
from pipelines.errors import RolloutError
from pipelines.releasing.people import abort, approve
from pipelines.rollout import store, waiting
from pipelines.rollout.state import State

DEPLOYMENT = "approve-rollout/approve-rollout"


class Answer(RunInput):
    """What the person is asked."""

    is_approved: bool
    who: str


def asked_percent(state: State) -> int:
    """The step that an approval lets begin."""
    return waiting.next_percent(state)


def ask(state: State) -> bool:
    """Start the run that waits for the person, once for each step; False if nobody deployed it."""
    percent = asked_percent(state)
    parameters = {"model": state.plan.model, "percent": percent, "rollout": state.plan.id}
    try:
        run_deployment(
            DEPLOYMENT,
            parameters=parameters,
            timeout=0,
            as_subflow=False,
            idempotency_key=f"{state.plan.id}-{percent}",
        )
    except ObjectNotFound:
        return False
    return True


@flow(name="approve-rollout", flow_run_name="approve-{model}-{percent}", persist_result=False)
def approve_rollout(model: str, percent: int, rollout: str, root: Path | None = None) -> str:
    """Suspend until a person has answered, and tell the rollout.

    Args:
        model: its name in params.yaml.
        percent: the step that waits.
        rollout: its id; another one that waits by then is not meant.
        root: the project; the current folder by default.

    Returns:
        The rollout's phase after the answer.

    Raises:
        RolloutError: the rollout does not wait any more.
    """
    desk = Desk.at((root or Path.cwd()).resolve(), model)
    running = store.current(desk.project.engine, model)
    if running is None or running.state.plan.id != rollout:
        raise RolloutError(
            "it is over, or another one is open",
            where=f"rollout {rollout}",
            next_step=f"look at `evergreen history {model}`",
        )
    seconds = running.state.plan.settings.approval_hours * 3600
    # Prefect takes lowercase letters, digits and dashes, and fails late on anything else.
    key = re.sub("[^a-z0-9]", "-", f"{rollout}-{percent}".lower())
    given = suspend_flow_run(wait_for_input=Answer, timeout=int(seconds), key=key)
    assert given is not None  # Prefect returns the input, or does not return
    get_run_logger().info("%s says %s", given.who, "yes" if given.is_approved else "no")
    project, router = desk.project, desk.router
    if given.is_approved:
        state = approve(project, model, percent, router, who=given.who)
    else:
        state = abort(project, model, router, who=given.who, why="the approval was refused")
    return state.phase.value
