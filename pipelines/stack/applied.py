"""What the gateway was told last, so that nothing it still sends requests to is ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.files import write_json
from pipelines.gateway.table import Endpoint, ModelTable, Table
from pipelines.paths import HomePaths
from pipelines.stack.tables import Endpoints


@dataclass(frozen=True)
class Applied:
    """A table that the gateway took.

    Attributes:
        generation: the gateway's number of it.
        weights, mirror, champion, previous: by model, as in the table.
        upstreams: by version, where it listens.
    """

    generation: int
    champion: dict[str, str]
    weights: dict[str, dict[str, int]]
    mirror: dict[str, str | None]
    previous: dict[str, str | None]
    upstreams: dict[str, Endpoints]


NOTHING = Applied(0, {}, {}, {}, {}, {})


def of(table: Table, generation: int) -> Applied:
    """What is to be remembered of a table."""
    return Applied(
        generation,
        {each.model: each.champion for each in table.models},
        {each.model: dict(each.weights) for each in table.models},
        {each.model: each.mirror for each in table.models},
        {each.model: each.previous for each in table.models},
        {version: ends for each in table.models for version, ends in _upstreams(each)},
    )


def path(home: HomePaths) -> Path:
    """Where it is written."""
    return home.fleet / "applied.json"


def write(applied: Applied, home: HomePaths) -> None:
    """Write it, whole."""
    write_json(asdict(applied), path(home))


def read(home: HomePaths) -> Applied:
    """What `write` wrote; NOTHING if that is not there or not readable.

    What is not known to be routed is routed anew before anything is ended, so nothing is harmed.
    """
    try:
        content: dict[str, Any] = json.loads(path(home).read_text(encoding="utf-8"))
        upstreams = {
            version: tuple(Endpoint(**each) for each in ends)
            for version, ends in content["upstreams"].items()
        }
        return Applied(**(content | {"upstreams": upstreams}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return NOTHING


def _upstreams(model: ModelTable) -> list[tuple[str, Endpoints]]:
    return [(version, tuple(ends)) for version, ends in model.upstreams.items()]
