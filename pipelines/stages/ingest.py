"""ingest: the source becomes one Parquet file a month."""

from __future__ import annotations

import json
from typing import Any

from pipelines import registry
from pipelines.datasets.base import Dataset
from pipelines.errors import DataError, SourceError
from pipelines.files import write_parquet
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `raw/`: the partitions, the side tables and the schema.

    Raises:
        SourceError: the source cannot be read, or is not what `source.json` recorded.
    """
    dataset: Dataset = registry.load(registry.DATASETS, settings.ingest.dataset)()
    _compare(paths, dataset.fingerprint(settings.ingest))
    ingested = dataset.read(settings.ingest)
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


def record(paths: ModelPaths, settings: ModelSettings) -> dict[str, Any]:
    """Write what the source looks like now to `source.json`, and return it."""
    dataset: Dataset = registry.load(registry.DATASETS, settings.ingest.dataset)()
    seen = dataset.fingerprint(settings.ingest)
    text = json.dumps(seen, indent=2, sort_keys=True) + "\n"
    if not paths.source.exists() or paths.source.read_text(encoding="utf-8") != text:
        paths.source.parent.mkdir(parents=True, exist_ok=True)
        paths.source.write_text(text, encoding="utf-8")
    return seen


def _compare(paths: ModelPaths, seen: dict[str, Any]) -> None:
    """A model must be traceable to its data, so a source that changed is not read silently."""
    try:
        recorded = json.loads(paths.source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(
            f"the record of the source cannot be read: {error}",
            where=str(paths.source),
            next_step=f"run `evergreen source {paths.model} --record`",
        ) from error
    if recorded != json.loads(json.dumps(seen)):
        raise SourceError(
            "the source is not what was recorded",
            where=str(paths.source),
            next_step=f"run `evergreen source {paths.model}` to see the difference, and again "
            "with `--record` to accept it; a retrain accepts it by itself and commits the record",
        )
