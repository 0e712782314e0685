"""Scoring files: the same answers as row by row, whole or not at all, in bounded memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyarrow import csv as arrow_csv

from pipelines.errors import CellError, DataError, ModelError
from pipelines.inference.encode import encode_rows
from pipelines.inference.session import ModelSession
from pipelines.packaging import model_folder
from pipelines.scoring import predict_file
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE, Signature
from tests.model_folder import SCHEMA
from tests.packaged import Packaged


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False, row_group_size=500)
    return path


def read(path: Path) -> pd.DataFrame:
    table = arrow_csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path)
    return table.to_pandas()


@pytest.mark.parametrize("source", ["in.csv", "in.parquet", "IN.CSV"])
@pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
def test_a_file_is_answered_as_training_did(
    artifact: Path, golden: pd.DataFrame, tmp_path: Path, source: str, out: str
) -> None:
    path = tmp_path / source
    write(golden, path.with_suffix(path.suffix.lower())).rename(path)
    steps: list[tuple[int, int | None]] = []
    result = predict_file(
        path,
        tmp_path / out,
        artifact,
        batch_rows=100,
        on_progress=lambda *step: steps.append(step),
    )
    answers = read(tmp_path / out)

    assert list(answers.columns) == ["row", "probability", "label", "model"]
    assert answers["row"].tolist() == list(range(1200))
    np.testing.assert_allclose(answers["probability"], golden[GOLDEN_ANSWER], atol=1e-6, rtol=0)
    assert (answers["label"] == (golden[GOLDEN_ANSWER] > 0.5)).all()
    assert set(answers["model"]) == {f"flights@{Signature.read(artifact).sha256[:12]}"}
    assert result.rows == 1200
    assert result.seconds > 0
    total = None if path.suffix.lower() == ".csv" else 1200
    assert steps == [(done, total) for done in range(100, 1201, 100)]


def test_batches_and_rows_give_the_same_answers(
    artifact: Path, golden: pd.DataFrame, tmp_path: Path
) -> None:
    model = ModelSession.open(artifact)
    rows: list[dict[str, Any]] = golden[list(SCHEMA.features)].to_dict("records")
    expected = model.predict(encode_rows(SCHEMA, rows)).scores
    for batch_rows in (7, 500, 10_000):
        out = tmp_path / f"{batch_rows}.parquet"
        predict_file(write(golden, tmp_path / "in.parquet"), out, artifact, batch_rows=batch_rows)
        np.testing.assert_array_equal(read(out)["probability"], expected)


def test_kept_columns_are_carried_over_and_others_are_not(
    artifact: Path, golden: pd.DataFrame, tmp_path: Path
) -> None:
    golden["flight"] = [f"00{index}" for index in range(len(golden))]
    golden["other"] = 1
    for kind in (".csv", ".parquet"):
        source = write(golden, tmp_path / f"in{kind}")
        out = tmp_path / f"out{kind}"
        predict_file(source, out, artifact, keep=["flight", "distance"])
        names = ["row", "flight", "distance", "probability", "label", "model"]
        assert list(read(out).columns) == names
    kept = read(tmp_path / "out.parquet")
    assert kept["flight"].tolist() == golden["flight"].tolist()
    np.testing.assert_array_equal(kept["distance"], golden["distance"])
    assert '\n3,"003",' in (tmp_path / "out.csv").read_text()


def test_a_packaged_model_signs_with_its_version(packaged: Packaged, tmp_path: Path) -> None:
    folder = model_folder(packaged.tag, packaged.home)
    out = tmp_path / "out.parquet"
    predict_file(packaged.artifact / GOLDEN_FILE, out, folder)

    assert set(read(out)["model"]) == {"flights@v3"}


def test_a_version_that_the_caller_knows_signs(artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    predict_file(artifact / GOLDEN_FILE, out, artifact, name="flights@v7")

    assert set(read(out)["model"]) == {"flights@v7"}


def test_an_older_output_is_replaced(artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")
    predict_file(artifact / GOLDEN_FILE, out, artifact)

    assert len(read(out)) == 1200
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def refused(source: Path, out: Path, folder: Path, **options: Any) -> DataError:
    """The error; after it, the folder of the output must be as it was."""
    before = sorted(out.parent.iterdir()) if out.parent.is_dir() else None
    with pytest.raises(DataError) as caught:
        predict_file(source, out, folder, **options)
    assert before == (sorted(out.parent.iterdir()) if out.parent.is_dir() else None)
    return caught.value


HEADER = "distance,departure_hour,wind_speed,carrier,origin\n"
GOOD = "1.5,7,,UA,\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (HEADER.encode(), "there are no rows"),
        (b"distance,wind_speed,carrier\n1,2,UA\n", "lacks the columns departure_hour, origin"),
        (f"{HEADER.strip()},carrier\n1,2,3,UA,JFK,B6\n".encode(), "more than one column"),
        (
            HEADER.replace("origin", "Flughäfen,origin").encode("latin1"),
            "header is not UTF-8; the first byte that is not: 0xe4 at offset 48, line 1",
        ),
        (
            (HEADER + GOOD + "1,2,3,Zürich,JFK\n").encode("latin1"),
            "column 'carrier' is not UTF-8; the first byte that is not: 0xfc at offset 68, line 3",
        ),
        ((HEADER + GOOD + '1,2,3,UA,"JFK\n' + GOOD).encode(), "never closed"),
        ((HEADER + GOOD + "1,2,3\n").encode(), "Expected 5 columns, got 3"),
    ],
)
def test_a_csv_that_cannot_be_used_is_refused(
    artifact: Path, tmp_path: Path, content: bytes, words: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(content)

    assert words in str(refused(source, tmp_path / "out.csv", artifact))


@pytest.mark.parametrize("before", [2**20 - 1, 2**20 - 2, 3 * 2**20])
def test_the_byte_is_found_beyond_characters_that_two_blocks_share(
    artifact: Path, tmp_path: Path, before: int
) -> None:
    # Two bytes each: some begin on the last byte of a block of 1 MB.
    start = (HEADER + GOOD * ((before - 200) // len(GOOD)) + "1,2,3,").encode()
    source = tmp_path / "in.csv"
    source.write_bytes(
        start + (before - len(start)) * b"x" + "ü".encode() * 9 + b",\n1,2,3,\xfc,\n"
    )
    at = source.read_bytes().index(b"\xfc,\n")

    line = source.read_bytes()[:at].count(b"\n") + 1
    assert f"0xfc at offset {at}, line {line}" in str(
        refused(source, tmp_path / "out.csv", artifact)
    )


@pytest.mark.parametrize("value", ["seven", "0x1F", "true", "inf", "1e999", "1e300", "-1.1e30"])
def test_a_wrong_value_of_a_csv_is_named_by_row_and_column(
    artifact: Path, tmp_path: Path, value: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(HEADER + GOOD * 250 + f"1,{value},3,UA,JFK\n" + GOOD * 50)
    error = refused(source, tmp_path / "out.csv", artifact, batch_rows=100)

    assert isinstance(error, CellError)
    assert (error.row, error.column) == (250, "departure_hour")
    assert error.where == "row 250 (counted from 0), column 'departure_hour'"


def test_a_row_of_the_wrong_length_is_named(artifact: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(HEADER + GOOD * 250 + "1,2\n" + GOOD)
    error = refused(source, tmp_path / "out.csv", artifact)

    assert isinstance(error, CellError)
    assert error.row == 250


def test_missing_values_of_a_csv_are_told_apart_by_kind(artifact: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(
        "\ufeff" + HEADER.replace("\n", "\r\n") + "NA,7,nan,NA,\r\n" + '1,7,3," U\nA","a""b"\r\n',
        encoding="utf-8",
        newline="",
    )
    predict_file(source, tmp_path / "out.parquet", artifact)
    nothing = {"distance": None, "departure_hour": 7, "wind_speed": None, "origin": None}
    rows = [
        {**nothing, "carrier": "NA"},
        {**nothing, "distance": 1, "wind_speed": 3, "carrier": " U\nA", "origin": 'a"b'},
    ]
    expected = ModelSession.open(artifact).predict(encode_rows(SCHEMA, rows)).scores

    assert read(tmp_path / "out.parquet")["probability"].tolist() == expected.tolist()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_parquet_that_is_cut_off_is_refused(artifact: Path, tmp_path: Path, share: float) -> None:
    content = (artifact / GOLDEN_FILE).read_bytes()
    source = tmp_path / "in.parquet"
    source.write_bytes(content[: int(len(content) * share)])

    assert "not readable as Parquet" in str(refused(source, tmp_path / "out.csv", artifact))


def test_a_parquet_that_is_damaged_inside_leaves_nothing(
    artifact: Path, golden: pd.DataFrame, tmp_path: Path
) -> None:
    source = write(golden, tmp_path / "in.parquet")
    content = bytearray(source.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 3000] = b"\xff" * 3000
    source.write_bytes(content)

    assert "not readable as Parquet" in str(refused(source, tmp_path / "out.csv", artifact))


def test_a_wrong_value_of_a_parquet_is_named_by_row_and_column(
    artifact: Path, golden: pd.DataFrame, tmp_path: Path
) -> None:
    golden.loc[777, "wind_speed"] = np.inf
    error = refused(
        write(golden, tmp_path / "in.parquet"), tmp_path / "out.csv", artifact, batch_rows=100
    )
    assert isinstance(error, CellError)
    assert (error.row, error.column) == (777, "wind_speed")

    golden["wind_speed"] = "strong"
    error = refused(write(golden, tmp_path / "in.parquet"), tmp_path / "out.csv", artifact)
    assert "row 0 (counted from 0), column 'wind_speed': 'strong'" in str(error)


def test_a_parquet_without_rows_or_columns_is_refused(
    artifact: Path, golden: pd.DataFrame, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    empty = write(golden.head(0), tmp_path / "empty.parquet")
    assert "no rows" in str(refused(empty, out, artifact))
    narrow = write(golden.drop(columns=["origin", "carrier"]), tmp_path / "narrow.parquet")
    assert "lacks the columns carrier, origin" in str(refused(narrow, out, artifact))
    full = write(golden, tmp_path / "full.parquet")
    assert "lacks the columns flight" in str(refused(full, out, artifact, keep=["flight"]))


def test_files_and_folders_that_cannot_be_used_are_refused(artifact: Path, tmp_path: Path) -> None:
    source = artifact / GOLDEN_FILE
    out = tmp_path / "out.csv"
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    own = tmp_path / "own.parquet"
    own.write_bytes(source.read_bytes())

    assert "no such file" in str(refused(tmp_path / "missing.csv", out, artifact))
    assert "is a folder" in str(refused(tmp_path / "folder.csv", out, artifact))
    assert "unknown file type '.txt'" in str(refused(tmp_path / "notes.txt", out, artifact))
    assert "unknown file type '.xls'" in str(refused(source, tmp_path / "out.xls", artifact))
    assert "does not exist" in str(refused(source, tmp_path / "no" / "out.csv", artifact))
    assert "is a folder" in str(refused(source, tmp_path / "folder.csv", artifact))
    assert "would replace the input" in str(refused(own, own, artifact))
    (tmp_path / "link.parquet").symlink_to(own)
    assert "would replace the input" in str(refused(own, tmp_path / "link.parquet", artifact))
    assert "batch_rows 0" in str(refused(source, out, artifact, batch_rows=0))


@pytest.mark.parametrize("keep", [["label"], ["row"], ["carrier", "carrier"]])
def test_a_kept_column_may_not_take_a_name_of_the_output(
    artifact: Path, tmp_path: Path, keep: list[str]
) -> None:
    error = refused(artifact / GOLDEN_FILE, tmp_path / "out.csv", artifact, keep=keep)

    assert "already has this name" in str(error)


def test_a_folder_without_a_model_is_refused(artifact: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a model folder"):
        predict_file(artifact / GOLDEN_FILE, tmp_path / "out.csv", tmp_path)
