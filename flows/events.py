"""What flows tell each other through Prefect: where to look, never what to do.

The names are those that the automations of `deployments/prefect.yaml` wait for.
"""

from __future__ import annotations

from typing import Any

from prefect.events import emit_event

from pipelines.monitoring.triggers.inbox import Start

DRIFT = "evergreen.drift.detected"
ROLLOUT = "evergreen.rollout.due"


def tell_start(start: Start) -> None:
    """A retrain is to begin; whoever takes up the attempt first begins it."""
    trigger = start.trigger
    _tell(
        DRIFT,
        trigger.event.model,
        trigger=trigger.id,
        attempt=start.attempt,
        cause=trigger.event.cause,
        reason=trigger.event.reason,
    )


def tell_rollout(model: str, why: str) -> None:
    """A version waits for its rollout, or an open rollout for somebody who drives it."""
    _tell(ROLLOUT, model, reason=why)


def _tell(event: str, model: str, **payload: Any) -> None:
    resource = {"prefect.resource.id": f"evergreen.model.{model}", "prefect.resource.name": model}
    emit_event(event, resource=resource, payload=payload)
