"""`python -m pipelines.alerting.teller ROOT`: tell people and Prometheus, again and again.

A program under Supervisor and no Prefect deployment: what it has to tell may be that Prefect is
down, and a look that comes a minute late because a worker is busy is a message that comes late.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pipelines import settings
from pipelines.alerting import reading, telling
from pipelines.alerting.exposition import exposition
from pipelines.alerting.targets import targets
from pipelines.errors import EvergreenError
from pipelines.files import write_json, write_text
from pipelines.fleet import ports
from pipelines.fleet.layout import Layout
from pipelines.paths import HomePaths, home
from pipelines.state import store

STATE, SERVERS, PROBLEM = "state.prom", "servers.json", "problem.txt"
_AGAIN_SECONDS = 10.0


def look(root: Path) -> float:
    """Tell everybody what they were not told yet, and write what Prometheus reads.

    Returns:
        After how many seconds to look again.

    Raises:
        SettingsError, StateError: params.yaml or the store cannot be read.
        AlertError: the addresses cannot be read.
    """
    places, chosen = home(root), settings.load(root)
    engine = store.connect(places.database)
    try:
        telling.look(engine, chosen)
    finally:
        # Also when nobody can be told, and last, so that it counts the messages that failed.
        write_text(exposition(reading.read(engine, chosen)), places.metrics / STATE)
        write_json(targets(ports.read(Layout.of(places).ports)), places.metrics / SERVERS)
        engine.dispose()
    return chosen.alerts.look_seconds


def problem(places: HomePaths) -> str | None:
    """Why the last look told nobody anything; None if it did, or if there was none."""
    path = places.metrics / PROBLEM
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(root: Path) -> None:
    """Look until this process is ended; what is in the way is said by `evergreen status`, too."""
    before = None
    while True:
        try:
            seconds, said = look(root), None
        except EvergreenError as error:
            seconds, said = _AGAIN_SECONDS, str(error)
        if said != before:
            print(said or "tells again", file=sys.stderr, flush=True)
            _note(home(root), said)
        before = said
        time.sleep(seconds)


def _note(places: HomePaths, said: str | None) -> None:
    path = places.metrics / PROBLEM
    if said is None:
        path.unlink(missing_ok=True)
    else:
        write_text(said, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
