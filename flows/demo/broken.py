"""`python -m flows.demo.broken MODEL CLIENT COLUMN FACTOR ROWS`: a feed changes its unit.

Real rows of the month that is next in the replay, with one column in another unit, go through the
gateway like any others. Run in the folder of a throwaway clone.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

from flows import replaying
from pipelines import settings
from pipelines.paths import home
from pipelines.replaying import standing
from pipelines.replaying.schedule import Asked, Request

_AT_ONCE = 200


def send(root: Path, model: str, client: str, column: str, factor: float, rows: int) -> int:
    """Send them; returns how many rows were answered.

    Raises:
        EvergreenError: nobody answers, or the client may not ask.
    """
    known, sent = settings.load(root), 0
    now = standing.read(home(root).replay(model))
    assert now is not None, "the replay began before"
    wanted = replace(now, most_rows=_AT_ONCE)
    with replaying.client_of(root, known, model, client) as door:
        for event in islice(replaying.events(model, known.model(model), wanted), 2 * rows):
            if isinstance(event, Asked):
                sent += len(event.request.rows) * door.ask(scaled(event.request, column, factor))
            if sent >= rows:
                break
    return sent


def scaled(request: Request, column: str, factor: float) -> Request:
    """The same rows with one column in another unit, and an id that says so."""
    rows = tuple(
        {**row, column: None if row[column] is None else row[column] * factor}
        for row in request.rows
    )
    return replace(request, id=f"broken-{request.id}", rows=rows)


if __name__ == "__main__":
    given = sys.argv[1:]
    print(send(Path.cwd(), given[0], given[1], given[2], float(given[3]), int(given[4])))
