"""A file of labels is kept as a whole, or its fault is named and nothing is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import labelling
from pipelines.errors import DataError
from pipelines.labelling import label_file
from pipelines.schema import Schema
from tests.predictions.factories import BINARY, MULTICLASS, REGRESSION
from tests.predictions.test_feedback import said


def csv(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def parquet(folder: Path, **columns: object) -> Path:
    path = folder / "labels.parquet"
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "feedback"


def test_a_csv_file(tmp_path: Path, store: Path) -> None:
    path = csv(tmp_path, "label,request_id,note\n1,a,late\n0,b,\n1.0,c,\n")
    assert label_file(path, store, BINARY) == (3, store)
    assert said(store) == {("a", 0): "1", ("b", 0): "0", ("c", 0): "1"}


def test_a_csv_file_with_rows(tmp_path: Path, store: Path) -> None:
    path = csv(tmp_path, "request_id,row,label\na,0,12.5\na,1,7\n")
    assert label_file(path, store, REGRESSION).labels == 2
    assert said(store) == {("a", 0): "12.5", ("a", 1): "7"}


@pytest.mark.parametrize(
    ("schema", "given", "kept"),
    [
        (BINARY, [1, 0], ["1", "0"]),
        (BINARY, [True, False], ["1", "0"]),
        (MULTICLASS, ["cat", "dog"], ["cat", "dog"]),
        (REGRESSION, [0.1, -2.0], ["0.1", "-2"]),
    ],
    ids=["integers", "flags", "classes", "values"],
)
def test_a_parquet_file(
    tmp_path: Path, store: Path, schema: Schema, given: list[object], kept: list[str]
) -> None:
    path = parquet(tmp_path, request_id=["a", "b"], label=given, row=[0, 1])
    label_file(path, store, schema)
    assert said(store) == {("a", 0): kept[0], ("b", 1): kept[1]}


def test_the_same_file_twice_changes_nothing(tmp_path: Path, store: Path) -> None:
    path = csv(tmp_path, "request_id,label\na,1\nb,0\n")
    label_file(path, store, BINARY)
    before = said(store)
    label_file(path, store, BINARY)
    assert said(store) == before


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", ["is empty"]),
        (b"request_id,label\n", ["no rows"]),
        (b"request_id,truth\na,1\n", ["lacks the columns label", "request_id, truth"]),
        (b"request_id,label\na,1\nb\xff,1\n", ["not UTF-8", "0xff", "line 3"]),
        (b"request_id,label\na,1\nb,2\n", ["row 1", "'label'", "1 or 0"]),
        (b"request_id,label\na,1\n,1\n", ["row 1", "'request_id'"]),
        (b"request_id,label\na,\n", ["row 0", "'label'"]),
        (b"request_id,label,row\na,1,0.5\n", ["row 0", "'row'"]),
        (b"request_id,label,row\na,1,\n", ["row 0", "'row'"]),
        (b"request_id,label,row\na,1,first\n", ["row 0", "'row'"]),
        (b"request_id,label\na,1\nb\n", ["Expected 2 columns"]),
    ],
    ids=range(11),
)
def test_what_is_wrong_with_a_csv_file_is_named_and_nothing_is_kept(
    tmp_path: Path, store: Path, content: bytes, named: list[str]
) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        label_file(path, store, BINARY)
    for text in named:
        assert text in str(caught.value)
    assert not store.exists()


def test_a_half_written_parquet_file_is_named(tmp_path: Path, store: Path) -> None:
    path = parquet(tmp_path, request_id=["a"] * 100, label=[1] * 100)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="not readable as Parquet"):
        label_file(path, store, BINARY)
    assert not store.exists()


def test_a_column_of_a_parquet_file_that_is_missing_is_named(tmp_path: Path, store: Path) -> None:
    with pytest.raises(DataError, match="lacks the columns request_id"):
        label_file(parquet(tmp_path, label=[1]), store, BINARY)


def test_a_fault_of_a_later_batch_keeps_nothing_and_tells_the_row_of_the_file(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "_BATCH_ROWS", 10)
    path = parquet(tmp_path, request_id=["a"] * 40, label=[1] * 25 + [2] + [1] * 14)
    with pytest.raises(DataError, match="row 25"):
        label_file(path, store, BINARY)
    assert not store.exists()
