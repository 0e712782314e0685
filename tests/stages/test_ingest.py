"""ingest reads what was recorded and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import DataError, SourceError
from pipelines.files import read_json, write_json
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
    assert read_json(paths.source)["fingerprint"] == seen == ingest.look(known)
    ingest.run(paths, known)


def test_an_unchanged_record_is_not_written_again(here: tuple[ModelPaths, ModelSettings]) -> None:
    paths, known = here
    before = paths.source.stat().st_mtime_ns
    ingest.record(paths, known)
    assert paths.source.stat().st_mtime_ns == before


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"fingerprint": {}, "columns": []}'])
def test_a_record_that_cannot_be_read_is_named(
    here: tuple[ModelPaths, ModelSettings], content: str
) -> None:
    paths, known = here
    paths.source.write_text(content)
    for asked in (ingest.run, ingest.record):
        with pytest.raises(SourceError, match="not readable as the record") as caught:
            asked(paths, known)
        assert caught.value.where == str(paths.source)
        assert "remove it" in caught.value.next_step


def test_an_unchanged_source_is_not_read_to_be_recorded(
    here: tuple[ModelPaths, ModelSettings],
) -> None:
    paths, known = here
    # Reading would fail: there is no such column.
    unreadable = settings(ingest={"source": known.ingest.source, "target": "nothing"})
    assert ingest.record(paths, unreadable) == ingest.look(known)
    with pytest.raises(DataError, match="no column 'nothing'"):
        ingest.record(paths, unreadable, accepts_columns=True)


CHANGED: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str]]] = {
    "renamed": (
        lambda frame: frame.rename(columns={"visits": "visit"}),
        ["'visits' (number) is gone; did it become 'visit'?", "'visit' (number) is new"],
    ),
    "number to text": (
        lambda frame: frame.assign(visits=frame["visits"].map("{:.0f} times".format)),
        ["'visits' was a number and is a category now"],
    ),
    "number to texts that are all different": (
        lambda frame: frame.assign(spend=frame["spend"].map("{:.6f} EUR".format)),
        ["'spend' was a number and is a category now"],
    ),
    "text to number": (
        lambda frame: frame.assign(plan=(frame["plan"] == "full").astype(int)),
        ["'plan' was a category and is a number now"],
    ),
    "added": (lambda frame: frame.assign(tax=1.5), ["'tax' (number) is new"]),
    "dropped": (lambda frame: frame.drop(columns="age"), ["'age' (number) is gone"]),
}


@pytest.mark.parametrize("case", CHANGED)
def test_columns_that_changed_are_refused_until_a_person_accepts_them(
    here: tuple[ModelPaths, ModelSettings], case: str
) -> None:
    paths, known = here
    change, said = CHANGED[case]
    before = paths.source.read_bytes()
    change(table()).to_csv(known.ingest.source, index=False)
    with pytest.raises(DataError) as caught:
        ingest.record(paths, known)
    assert caught.value.problem.partition(": ")[2].split("; ") == "; ".join(said).split("; ")
    assert "evergreen source shop --record --columns" in caught.value.next_step
    assert caught.value.exit_code == 2
    assert paths.source.read_bytes() == before

    ingest.record(paths, known, accepts_columns=True)
    ingest.record(paths, known)
    if "different" not in case:  # that one is an identifier, and refused as one
        ingest.run(paths, known)


def test_a_record_of_other_columns_stops_the_stage(
    here: tuple[ModelPaths, ModelSettings],
) -> None:
    paths, known = here
    record = read_json(paths.source)
    del record["columns"]["visits"]
    write_json(record, paths.source)
    with pytest.raises(DataError, match=r"'visits' \(number\) is new"):
        ingest.run(paths, known)
    assert not paths.raw.exists()


def test_columns_that_the_settings_gave_up_are_no_change_of_the_source(
    here: tuple[ModelPaths, ModelSettings],
) -> None:
    paths, known = here
    less = settings(ingest={"source": known.ingest.source, "ignore": ["customer", "visits"]})
    ingest.run(paths, less)
    table(rows=2999).to_csv(known.ingest.source, index=False)
    ingest.record(paths, less)
    ingest.record(paths, known)
    ingest.run(paths, known)
    assert Schema.read(paths.raw) == SCHEMA


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
