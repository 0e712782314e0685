"""`python -m flows.drills.controller MODEL VERSION SECONDS`: tick until the rollout is over.

The same loop as the rollout flow's, without a Prefect server, and quick enough to be killed in each
phase. Run in the project's folder.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from flows.releasing import Desk
from flows.rollout import drive
from pipelines.releasing.ticking import Ticked

# Of a hold, each metric says at length what it waits for.
_SHOWN = 200


def main(model: str, version: str, every_seconds: float) -> None:
    """Drive a rollout, a line a tick on standard output.

    Raises:
        EvergreenError: see `flows.rollout.drive`.
    """
    desk = Desk.at(Path.cwd(), model)
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
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
