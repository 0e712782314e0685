"""`python -m flows.drills.controller MODEL VERSION SECONDS [--dies-deciding]`: tick to the end.

The same loop as the rollout flow's, without a Prefect server, and quick enough to be killed in each
phase. With the option it is killed between writing that the challenger goes and routing that. Run
in the project's folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from flows.drills.scene import DIES
from flows.releasing import Desk
from flows.rollout import drive
from pipelines.releasing.router import Applied, Router
from pipelines.releasing.ticking import Ticked

# Of a hold, each metric says at length what it waits for.
_SHOWN = 200


@dataclass(frozen=True)
class DyingRouter:
    """Routes, but for a rollout that is over: then the whole process is gone."""

    router: Router
    desk: Desk

    def reconcile(self) -> Applied:
        """See `Router`."""
        return self.router.reconcile()

    def reroute(self) -> None:
        """See `Router`."""
        if self.desk.newest().phase.is_final:
            os.kill(os.getpid(), signal.SIGKILL)
        self.router.reroute()


class DyingDesk(Desk):
    """A desk whose routes stay as they were when it is decided that a challenger goes."""

    @property
    def router(self) -> Router:
        return DyingRouter(super().router, self)


def main(model: str, version: str, every_seconds: float, *, is_dying: bool) -> None:
    """Drive a rollout, a line a tick on standard output.

    Raises:
        EvergreenError: see `flows.rollout.drive`.
    """
    desk = (DyingDesk if is_dying else Desk).at(Path.cwd(), model)
    desk.open_one(version)
    drive(desk, version, every_seconds, _tell)


def _tell(ticked: Ticked) -> None:
    state = ticked.state
    line = {
        "time": time.time(),
        "phase": state.phase.value,
        "stage": state.stage,
        "reason": (ticked.unseen or state.reason)[:_SHOWN],
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), is_dying=DIES in sys.argv[4:])
