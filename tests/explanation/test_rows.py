"""Files are explained row by row, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import CellError, DataError, ModelError
from pipelines.explanation.rows import explain_file, explain_rows
from pipelines.inference.encode import encode_rows
from pipelines.inference.session import ModelSession
from pipelines.signature import GOLDEN_FILE
from tests.model_folder import SCHEMA
from tests.packaged import artifact

__all__ = ["artifact"]


@pytest.fixture
def rows(artifact: Path) -> pd.DataFrame:
    return pd.read_parquet(artifact / GOLDEN_FILE, columns=list(SCHEMA.features)).head(70)


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_the_first_rows_with_what_they_have(
    artifact: Path, rows: pd.DataFrame, tmp_path: Path, name: str
) -> None:
    steps: list[tuple[int, int | None]] = []
    path = write(rows, tmp_path / name)
    found = list(explain_rows(path, artifact, 3, lambda *step: steps.append(step)))
    answers = ModelSession.open(artifact).predict(
        encode_rows(
            SCHEMA, rows.head(3).astype(object).where(rows.notna(), None).to_dict("records")
        )
    )
    assert [row.row for row in found] == [0, 1, 2]
    assert [row.explained.answer for row in found] == pytest.approx(answers.scores.tolist())
    for row, given in zip(found, rows.to_dict("records"), strict=False):
        for column, value in given.items():
            expected = None if pd.isna(value) else pytest.approx(value)
            assert row.values[column] == expected
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_what_is_not_shown_is_summed_up(artifact: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    [row] = explain_rows(write(rows, tmp_path / "in.csv"), artifact, 1)
    told = row.to_json(SCHEMA, 2)
    assert len(told["contributions"]) == 2
    added = sum(each["contribution"] for each in told["contributions"])
    assert told["base"] + added + told["others"] == pytest.approx(told["answer"], abs=1e-6)
    assert row.to_json(SCHEMA, 99)["others"] == 0
    assert "class" not in told


@pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
def test_a_file_is_explained_whole(
    artifact: Path, rows: pd.DataFrame, tmp_path: Path, out: str
) -> None:
    steps: list[tuple[int, int | None]] = []
    source = write(rows, tmp_path / "in.csv")
    count, seconds = explain_file(
        source, tmp_path / out, artifact, "flights@v3", None, lambda *step: steps.append(step)
    )
    path = tmp_path / out
    found = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    contributions = [f"contribution: {name}" for name in SCHEMA.features]
    assert list(found) == ["row", "answer", "base", *contributions, "model"]
    assert found["row"].tolist() == list(range(70))
    together = found["base"] + found[contributions].sum(axis=1)
    assert (together - found["answer"]).abs().max() < 1e-6
    assert set(found["model"]) == {"flights@v3"}
    assert (count, steps[-1]) == (70, (70, 70))
    assert seconds > 0


def test_so_many_rows_of_a_file(artifact: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    source = write(rows, tmp_path / "in.parquet")
    count, _ = explain_file(source, tmp_path / "out.parquet", artifact, "flights@v3", 2)
    assert count == len(pd.read_parquet(tmp_path / "out.parquet")) == 2


def test_a_bad_value_at_the_end_is_found_before_anything_is_explained(
    artifact: Path, rows: pd.DataFrame, tmp_path: Path
) -> None:
    rows = rows.assign(distance=rows["distance"].astype(object))
    rows.loc[69, "distance"] = "far"
    steps: list[object] = []
    source = write(rows, tmp_path / "in.csv")
    with pytest.raises(CellError, match="row 69") as caught:
        explain_file(
            source, tmp_path / "out.csv", artifact, "flights@v3", None, lambda *s: steps.append(s)
        )
    assert caught.value.column == "distance"
    assert steps == []
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_what_cannot_be_explained_is_named(
    artifact: Path, rows: pd.DataFrame, tmp_path: Path
) -> None:
    lacking = write(rows.drop(columns="carrier"), tmp_path / "lacking.csv")
    with pytest.raises(DataError, match="lacks the columns carrier"):
        list(explain_rows(lacking, artifact, 5))
    empty = write(rows.head(0), tmp_path / "empty.csv")
    with pytest.raises(DataError, match="there are no rows"):
        list(explain_rows(empty, artifact, 5))
    with pytest.raises(ModelError, match="not a model folder"):
        list(explain_rows(lacking, tmp_path, 5))
    source = write(rows, tmp_path / "in.csv")
    with pytest.raises(DataError, match="would replace the input"):
        explain_file(source, source, artifact, "flights@v3")
    with pytest.raises(DataError, match="unknown file type"):
        explain_file(source, tmp_path / "out.xlsx", artifact, "flights@v3")
