"""`python -m pipelines.stack.keeper ROOT`: bring the stack in line, again and again.

Whoever changes the state store reconciles right after it. This is for what nobody does: a
controller that was killed in between, a server that Supervisor gave up, a fault that expires.
A decision that was written and not routed must not wait until the next look, so the store is
glanced at in between.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.errors import BusyError, EvergreenError
from pipelines.files import write_json
from pipelines.paths import HomePaths, home
from pipelines.stack import watching
from pipelines.stack.reconcile import LOCK_SECONDS, reconcile, reroute
from pipelines.state import store

EVERY_SECONDS = 5.0
# A challenger that was decided against is to be without requests after two seconds.
GLANCE_SECONDS = 0.25
# Whoever starts servers holds the lock until they are ready: glances must go on meanwhile.
_LOCK_SECONDS = 1.0


@dataclass(frozen=True)
class Looked:
    """What came of the last time.

    Attributes:
        at: unix seconds.
        problem: why it could not be done, or None.
    """

    at: float
    problem: str | None


def look(root: Path) -> Looked | None:
    """Bring the stack in line once, and write down what came of it, for `evergreen status`.

    Returns:
        None if somebody else does so just now: what comes of that is theirs to tell.
    """
    try:
        reconcile(root, wait_seconds=0.0, lock_seconds=_LOCK_SECONDS)
    except BusyError:
        return None
    except EvergreenError as error:
        return _note(root, str(error))
    return _note(root, None)


def glance(root: Path, until: float) -> None:
    """Route what is written from now on, a moment after it was written.

    Args:
        root: the project.
        until: when to stop, of `time.monotonic`.

    Raises:
        StateError, GatewayError, BusyError, SettingsError: as `reroute` does.
    """
    engine, routed = store.connect(home(root).database), None
    try:
        while time.monotonic() < until:
            # Read before the routes are: what is written in between is routed twice.
            written = watching.mark(engine)
            if written != routed:
                reroute(root)
                routed = written
            time.sleep(GLANCE_SECONDS)
    finally:
        # Not kept for longer: a restored store is another file.
        engine.dispose()


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
    """Keep on until this process is ended; says what changed between two looks."""
    problem, last_look = None, time.monotonic()
    while True:
        looked = look(root)
        if looked is None and time.monotonic() - last_look > LOCK_SECONDS:
            looked = _note(root, "somebody has kept this from looking for minutes: `evergreen up`")
        elif looked is not None:
            last_look = time.monotonic()
        until = time.monotonic() + EVERY_SECONDS
        try:
            glance(root, until)
        except EvergreenError as error:
            looked = _note(root, str(error))
        if looked is not None and looked.problem != problem:
            problem = looked.problem
            print(problem or "in line again", file=sys.stderr, flush=True)
        time.sleep(max(until - time.monotonic(), 0.0))


def _note(root: Path, problem: str | None) -> Looked:
    looked = Looked(time.time(), problem)
    write_json(asdict(looked), path(home(root)))
    return looked


if __name__ == "__main__":
    main(Path(sys.argv[1]))
