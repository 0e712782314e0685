"""What Supervisor starts: becomes the program that a private file describes.

Supervisor starts this file by its path, in whatever folder the program works in, so `pipelines`
may not be importable yet.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# What every process of a fleet carries in its environment, children included: which folder the
# fleet is in, which start of Supervisor it is of, and which program it belongs to. A pid says none
# of that once Supervisor was killed, and a program's children may be in sessions of their own.
FLEET = "EVERGREEN_FLEET"
RUN = "EVERGREEN_FLEET_RUN"
PROGRAM = "EVERGREEN_FLEET_PROGRAM"


def main(described: Path) -> None:
    """End what the last process of this program left, then become the program."""
    program = json.loads(described.read_text(encoding="utf-8"))
    _end_leftovers(program["name"])
    environment = {**os.environ, **program["environment"], PROGRAM: program["name"]}
    os.execvpe(program["argv"][0], program["argv"], environment)  # noqa: S606


def _end_leftovers(name: str) -> None:
    """End the children of a process that was killed: they hold its ports."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from pipelines.fleet import strays

    place = Path(os.environ[FLEET])
    left = strays.find(place, run=os.environ[RUN], program=name)
    strays.end(left, wait_seconds=1.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
