"""What the columns of a source are, to hold the next delivery of it against.

A table's schema is inferred from the rows that are about to be validated. Without a memory of the
last one, a column that was renamed, or whose numbers turned into text, would be a new feature.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from pipelines.schema import Schema
from pipelines.settings import IngestSettings

Layout = Mapping[str, str]
NUMBER = "number"
CATEGORY = "category"
_INFERRED = {NUMBER, CATEGORY}


def layout(schema: Schema, settings: IngestSettings) -> dict[str, str]:
    """Each column and what it is.

    `number` or `category` where the rows say so, and the key of the settings, as `ingest.target`,
    where those do.
    """
    columns = dict.fromkeys(schema.numbers, NUMBER)
    columns |= dict.fromkeys(schema.categories, CATEGORY)
    named = {"target": schema.target, "time": schema.time, "group": schema.group}
    columns |= {name: f"ingest.{key}" for key, name in named.items() if name is not None}
    columns |= dict.fromkeys(settings.categories, "ingest.categories")
    columns |= dict.fromkeys(settings.ignore, "ingest.ignore")
    return columns


def changes(before: Layout, now: Layout) -> list[str]:
    """What became of the features, one sentence each; empty if nothing.

    What the settings decide, before or now, is no change of the source: params.yaml is reviewed
    on its own.
    """
    return [*_gone(before, now), *_new(before, now), *_of_another_kind(before, now)]


def _gone(before: Layout, now: Layout) -> Iterator[str]:
    arrived = [name for name in now if name not in before]
    for name, kind in before.items():
        if name not in now and kind != "ingest.ignore":
            near = difflib.get_close_matches(name, arrived, n=1)
            guess = f"; did it become {near[0]!r}?" if near else ""
            yield f"{name!r} ({kind}) is gone{guess}"


def _new(before: Layout, now: Layout) -> Iterator[str]:
    for name, kind in now.items():
        if name not in before and kind in _INFERRED:
            yield f"{name!r} ({kind}) is new"


def _of_another_kind(before: Layout, now: Layout) -> Iterator[str]:
    for name, kind in now.items():
        earlier = before.get(name, kind)
        if kind != earlier and {kind, earlier} <= _INFERRED:
            yield f"{name!r} was a {earlier} and is a {kind} now"
