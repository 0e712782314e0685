"""ingest: the source becomes one Parquet file a month."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from pipelines import registry
from pipelines.datasets.base import Dataset
from pipelines.datasets.layout import Layout, changes, layout
from pipelines.errors import DataError, SourceError
from pipelines.files import emptied, read_json, write_json, write_parquet
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings


@dataclass(frozen=True)
class Record:
    """The content of `source.json`.

    Attributes:
        fingerprint: what the source looked like; see `Dataset.fingerprint`.
        columns: what each of its columns was; see `datasets.layout`.
    """

    fingerprint: dict[str, Any]
    columns: dict[str, str]


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `raw/`: the partitions, the side tables and the schema.

    Raises:
        SourceError: the source cannot be read, or is not what `source.json` recorded.
        DataError: it was read, and its columns are not those recorded, or there is nothing in it
            to train on.
    """
    record = _require_recorded(paths, settings)
    ingested = _dataset(settings).read(settings.ingest)
    _require_columns(paths, record.columns, layout(ingested.schema, settings.ingest))
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
    """The fingerprint of the source as it is now."""
    seen: dict[str, Any] = json.loads(json.dumps(_dataset(settings).fingerprint(settings.ingest)))
    return seen


def recorded(paths: ModelPaths) -> Record | None:
    """What the source looked like when it was recorded, or None if it never was.

    Raises:
        SourceError: `source.json` is not what `record` wrote.
    """
    if not paths.source.exists():
        return None
    try:
        content = read_json(paths.source)
        record = Record(**content)
        if not (isinstance(record.fingerprint, dict) and isinstance(record.columns, dict)):
            raise TypeError("fingerprint and columns must be objects")
    except (ValueError, TypeError) as error:
        raise SourceError(
            f"not readable as the record of a source: {error}",
            where=str(paths.source),
            next_step=f"restore it (`git checkout -- data/{paths.model}/source.json`), or remove "
            f"it and run `evergreen source {paths.model} --record`",
        ) from error
    return record


def record(
    paths: ModelPaths, settings: ModelSettings, *, accepts_columns: bool = False
) -> dict[str, Any]:
    """Write what the source looks like now to `source.json`, and return its fingerprint.

    The rows are read only if the fingerprint changed: to see whether the columns did.

    Args:
        paths: of the model.
        settings: of the model.
        accepts_columns: whether columns that changed are recorded, too. Only a person may say so.

    Raises:
        SourceError: the source cannot be read, or `source.json` is damaged.
        DataError: a feature is gone, new, or of another kind than recorded.
    """
    seen = look(settings)
    known = recorded(paths)
    if known is not None and known.fingerprint == seen and not accepts_columns:
        return seen
    now = layout(_dataset(settings).read(settings.ingest).schema, settings.ingest)
    if known is not None and not accepts_columns:
        _require_columns(paths, known.columns, now)
    if known != (found := Record(seen, now)):
        write_json(asdict(found), paths.source)
    return seen


def _dataset(settings: ModelSettings) -> Dataset:
    dataset: Dataset = registry.load(registry.DATASETS, settings.ingest.dataset)()
    return dataset


def _require_recorded(paths: ModelPaths, settings: ModelSettings) -> Record:
    """A model must be traceable to its data, so a source that changed is not read silently."""
    known = recorded(paths)
    if known is None or known.fingerprint != look(settings):
        raise SourceError(
            "the source is not what was recorded",
            where=str(paths.source),
            next_step=f"run `evergreen source {paths.model}` to see it, and again with "
            "`--record` to accept it; a retrain accepts it by itself and commits the record",
        )
    return known


def _require_columns(paths: ModelPaths, before: Layout, now: Layout) -> None:
    """A model must not be trained on another question unasked: columns change by decision."""
    if changed := changes(before, now):
        raise DataError(
            f"the columns of the source are not those recorded: {'; '.join(changed)}",
            where=str(paths.source),
            next_step="mend the source; or, if the columns are to be as they are now, run "
            f"`evergreen source {paths.model} --record --columns` and commit {paths.source.name}",
        )
