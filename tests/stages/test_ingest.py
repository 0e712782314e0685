"""ingest reads what was recorded and nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import DataError, SourceError
from pipelines.files import read_json
from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.settings import ModelSettings
from pipelines.stages import ingest
from tests.small import SCHEMA, project, settings, table


@pytest.fixture
def here(tmp_path: Path) -> tuple[ModelPaths, ModelSettings]:
    """A project with a source that was recorded."""
    paths = project(tmp_path)
    known = settings(ingest={"source": str(tmp_path / "shop.csv")})
    ingest.record(paths, known)
    return paths, known


def test_a_recorded_source_becomes_months(here: tuple[ModelPaths, ModelSettings]) -> None:
    paths, known = here
    ingest.run(paths, known)
    parts = sorted(path.name for path in paths.raw.glob("*.parquet"))
    assert parts == ["2024-01.parquet", "2024-02.parquet"]
    assert Schema.read(paths.raw) == SCHEMA
    rows = pd.concat([pd.read_parquet(paths.raw / name) for name in parts], ignore_index=True)
    assert len(rows) == 3000
    assert rows["spend"].sum() == pytest.approx(table()["spend"].sum())


def test_a_smaller_window_leaves_nothing_of_the_larger(
    here: tuple[ModelPaths, ModelSettings],
) -> None:
    paths, known = here
    ingest.run(paths, known)
    january = settings(ingest={"source": known.ingest.source, "until": "2024-01"})
    ingest.run(paths, january)
    assert [path.name for path in paths.raw.glob("*.parquet")] == ["2024-01.parquet"]


def test_the_same_source_has_the_same_bytes(here: tuple[ModelPaths, ModelSettings]) -> None:
    paths, known = here
    ingest.run(paths, known)
    before = {path.name: path.read_bytes() for path in paths.raw.glob("*.*")}
    ingest.run(paths, known)
    assert {path.name: path.read_bytes() for path in paths.raw.glob("*.*")} == before


def test_a_source_that_was_never_recorded_is_refused(
    here: tuple[ModelPaths, ModelSettings],
) -> None:
    paths, known = here
    paths.source.unlink()
    assert ingest.recorded(paths) is None
    with pytest.raises(SourceError, match="not what was recorded") as caught:
        ingest.run(paths, known)
    assert caught.value.where == str(paths.source)
    assert "--record" in caught.value.next_step
    assert not paths.raw.exists()


def test_a_source_that_changed_is_refused_until_it_is_accepted(
    here: tuple[ModelPaths, ModelSettings],
) -> None:
    paths, known = here
    table(rows=2999).to_csv(known.ingest.source, index=False)
    with pytest.raises(SourceError, match="not what was recorded"):
        ingest.run(paths, known)
    seen = ingest.record(paths, known)
    assert read_json(paths.source) == seen == ingest.look(known)
    ingest.run(paths, known)


def test_an_unchanged_record_is_not_written_again(here: tuple[ModelPaths, ModelSettings]) -> None:
    paths, known = here
    before = paths.source.stat().st_mtime_ns
    ingest.record(paths, known)
    assert paths.source.stat().st_mtime_ns == before


def test_a_record_that_is_no_json_is_named(here: tuple[ModelPaths, ModelSettings]) -> None:
    paths, known = here
    paths.source.write_text("{")
    with pytest.raises(SourceError, match="not readable as JSON") as caught:
        ingest.run(paths, known)
    assert caught.value.where == str(paths.source)


def test_a_source_that_is_gone_is_named(here: tuple[ModelPaths, ModelSettings]) -> None:
    paths, known = here
    Path(known.ingest.source).unlink()
    with pytest.raises(SourceError, match=r"shop\.csv"):
        ingest.run(paths, known)


def test_a_window_without_rows(here: tuple[ModelPaths, ModelSettings]) -> None:
    paths, known = here
    empty = settings(ingest={"source": known.ingest.source, "since": "2025-01"})
    with pytest.raises(DataError, match="2025-01"):
        ingest.run(paths, empty)
