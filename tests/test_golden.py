"""Golden rows are read as clients send them, and their absence is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines import golden
from pipelines.errors import PackageError
from pipelines.schema import Schema
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE, Signature
from tests.packaged import artifact

__all__ = ["artifact"]


def test_rows_and_answers_belong_together(artifact: Path) -> None:
    schema = Signature.read(artifact).schema
    known = golden.read(artifact, schema)
    frame = pd.read_parquet(artifact / GOLDEN_FILE)
    rows = golden.rows(known, schema)

    assert len(rows) == len(frame)
    assert list(rows[0]) == list(schema.features)
    for name in schema.numbers:
        assert [row[name] is None for row in rows] == frame[name].isna().tolist()
    np.testing.assert_array_equal(golden.answers(known, schema), frame[GOLDEN_ANSWER])


def test_several_classes_have_a_column_each(tmp_path: Path) -> None:
    schema = Schema(
        numbers=("x",), categories=(), target="y", task="multiclass", classes=("a", "b")
    )
    answers = {f"{GOLDEN_ANSWER}_0": [0.2, 0.7], f"{GOLDEN_ANSWER}_1": [0.8, 0.3]}
    pd.DataFrame({"x": [1.0, np.nan], **answers}).to_parquet(tmp_path / GOLDEN_FILE)
    known = golden.read(tmp_path, schema)

    assert golden.answers(known, schema).tolist() == [[0.2, 0.8], [0.7, 0.3]]
    assert golden.rows(known, schema) == [{"x": 1.0}, {"x": None}]


@pytest.mark.parametrize("damage", ["missing", "torn", "without answers"])
def test_rows_that_cannot_be_read_are_named(artifact: Path, tmp_path: Path, damage: str) -> None:
    schema = Signature.read(artifact).schema
    path = Path(shutil.copy(artifact / GOLDEN_FILE, tmp_path))
    if damage == "missing":
        path.unlink()
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        pd.read_parquet(path).drop(columns=GOLDEN_ANSWER).to_parquet(path)

    with pytest.raises(PackageError, match="no golden rows") as caught:
        golden.read(tmp_path, schema)
    assert caught.value.where == str(path)
