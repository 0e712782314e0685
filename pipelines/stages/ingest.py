"""ingest: the source becomes one Parquet file a month."""

from __future__ import annotations

import json
from typing import Any

from pipelines import registry
from pipelines.datasets.base import Dataset
from pipelines.errors import DataError, SourceError
from pipelines.files import emptied, read_json, write_json, write_parquet
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `raw/`: the partitions, the side tables and the schema.

    Raises:
        SourceError: the source cannot be read, or is not what `source.json` recorded.
        DataError: it was read, and there is nothing in it to train on.
    """
    _require_recorded(paths, settings)
    dataset: Dataset = registry.load(registry.DATASETS, settings.ingest.dataset)()
    ingested = dataset.read(settings.ingest)
    emptied(paths.raw)
    rows = 0
    for name, frame in ingested.partitions:
        write_parquet(frame, paths.raw / f"{name}.parquet")
        print(f"{name}: {len(frame):,} rows", flush=True)
        rows += len(frame)
    if rows == 0:
        raise DataError(
            "the source has no rows in the window",
            where=f"params.yaml: models.{paths.model}.ingest",
            next_step="check source, since and until",
        )
    for name, table in ingested.tables.items():
        write_parquet(table, paths.raw / "tables" / f"{name}.parquet")
    ingested.schema.write(paths.raw)


def look(settings: ModelSettings) -> dict[str, Any]:
    """What the source looks like now."""
    dataset: Dataset = registry.load(registry.DATASETS, settings.ingest.dataset)()
    seen: dict[str, Any] = json.loads(json.dumps(dataset.fingerprint(settings.ingest)))
    return seen


def recorded(paths: ModelPaths) -> dict[str, Any] | None:
    """What the source looked like when it was recorded, or None if it never was."""
    if not paths.source.exists():
        return None
    try:
        record: dict[str, Any] = read_json(paths.source)
    except ValueError as error:
        raise SourceError(
            f"not readable as JSON: {error}",
            where=str(paths.source),
            next_step=f"run `evergreen source {paths.model} --record`",
        ) from error
    return record


def record(paths: ModelPaths, settings: ModelSettings) -> dict[str, Any]:
    """Write what the source looks like now to `source.json`, and return it."""
    seen = look(settings)
    if not paths.source.exists() or recorded(paths) != seen:
        write_json(seen, paths.source)
    return seen


def _require_recorded(paths: ModelPaths, settings: ModelSettings) -> None:
    """A model must be traceable to its data, so a source that changed is not read silently."""
    if recorded(paths) != look(settings):
        raise SourceError(
            "the source is not what was recorded",
            where=str(paths.source),
            next_step=f"run `evergreen source {paths.model}` to see it, and again with "
            "`--record` to accept it; a retrain accepts it by itself and commits the record",
        )
