"""`python -m pipelines.stack.keeper ROOT`: bring the stack in line, again and again.

Whoever changes the state store reconciles right after it. This is for what nobody does: a
controller that was killed in between, a server that Supervisor gave up, a fault that expires.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.errors import EvergreenError
from pipelines.files import write_json
from pipelines.paths import HomePaths, home
from pipelines.stack.reconcile import reconcile

EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Looked:
    """What came of the last time.

    Attributes:
        at: unix seconds.
        problem: why it could not be done, or None.
    """

    at: float
    problem: str | None


def look(root: Path) -> Looked:
    """Bring the stack in line once, and write down what came of it, for `evergreen status`."""
    try:
        reconcile(root, wait_seconds=0.0)
        problem = None
    except EvergreenError as error:
        problem = str(error)
    looked = Looked(time.time(), problem)
    write_json(asdict(looked), path(home(root)))
    return looked


def last(places: HomePaths) -> Looked | None:
    """What came of the last time; None before the first."""
    try:
        return Looked(**json.loads(path(places).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def path(places: HomePaths) -> Path:
    """Where that is written."""
    return places.fleet / "keeper.json"


def main(root: Path) -> None:
    """Look until this process is ended; says what changed between two looks."""
    before = None
    while True:
        problem = look(root).problem
        if problem != before:
            print(problem or "in line again", file=sys.stderr, flush=True)
        before = problem
        time.sleep(EVERY_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
