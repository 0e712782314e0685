"""The rollout flow: it ticks until the rollout is over, and may be killed at any moment.

All that it knows is in the state store, so that a second run goes on where the first one was
ended; `evergreen rollback` needs neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from prefect import flow, get_run_logger

from flows import approving
from flows.artifacts_rollout import Progress
from flows.releasing import Desk
from pipelines.errors import BusyError
from pipelines.releasing.ticking import Ticked
from pipelines.rollout.state import Phase, State
from pipelines.verdicts import Verdict

TICK_SECONDS = 10.0
# A person's approval takes the rollout over from a tick that looks at the same moment.
_BUSY_TICKS = 3


@flow(name="rollout", flow_run_name="rollout-{model}", persist_result=False)
def rollout(
    model: str,
    version: str | None = None,
    root: Path | None = None,
    every_seconds: float = TICK_SECONDS,
) -> dict[str, object]:
    """Bring a version to users in steps, or go on with the rollout that is open.

    Args:
        model: its name in params.yaml.
        version: the challenger, as "v3"; by default the newest that waits for its rollout.
        root: the project; the current folder by default.
        every_seconds: how long a look is.

    Returns:
        The last phase, the challenger, and why it ended.

    Raises:
        BusyError: another controller drives this rollout.
        EvergreenError: whatever else stopped it; a second call goes on from what was written.
    """
    desk = Desk.at((root or Path.cwd()).resolve(), model)
    state, _ = drive(desk, version, every_seconds, Observer(model))
    return summary(state)


class Observer:
    """What Prefect shows of a rollout on its way."""

    def __init__(self, model: str) -> None:
        self._progress = Progress(model)
        self._logger = get_run_logger()
        self._said = ""

    def __call__(self, ticked: Ticked) -> None:
        """Publish what a tick came to, and ask a person where the rollout waits for one."""
        state = ticked.state
        said = f"{state.phase}, generation {state.generation}"
        if said != self._said or ticked.unseen:
            self._logger.info("%s: %s", said, ticked.unseen or state.reason)
            self._said = said
        self._progress.publish(ticked)
        if state.phase is Phase.AWAITING_APPROVAL and not approving.ask(state):
            percent = approving.asked_percent(state)
            self._logger.info("`evergreen approve %s %d` lets it go on", state.plan.model, percent)


def drive(
    desk: Desk,
    version: str | None,
    every_seconds: float,
    tell: Callable[[Ticked], None],
) -> tuple[State, Verdict | None]:
    """Tick until the rollout is over; its last state, and the verdict behind that."""
    if desk.has_ended():
        # By a run that was killed, perhaps, before it had applied the end.
        desk.tick()
    desk.open_one(version)
    busy = 0
    while True:
        try:
            ticked = desk.tick()
        except BusyError:
            busy += 1
            if busy > _BUSY_TICKS:
                raise
        else:
            busy = 0
            tell(ticked)
            if ticked.state.phase.is_final:
                return ticked.state, ticked.verdict
        time.sleep(every_seconds)


def summary(state: State) -> dict[str, object]:
    """What came of a rollout, for whoever started it."""
    return {
        "model": state.plan.model,
        "rollout": state.plan.id,
        "challenger": state.plan.challenger,
        "champion": state.plan.champion,
        "phase": state.phase.value,
        "reason": state.reason,
    }
