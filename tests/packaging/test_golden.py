"""Golden rows of a model folder, and the few that go along."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.errors import PackageError
from pipelines.inference.encode import encode_rows
from pipelines.packaging import model_folder
from pipelines.packaging.golden import CARRIED_ROWS, carried
from pipelines.serving import golden
from pipelines.serving.served import ServedModel
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE
from tests.packaged import Packaged


@pytest.fixture
def served(packaged: Packaged) -> ServedModel:
    return ServedModel.open(model_folder(packaged.tag, packaged.home))


def test_the_first_rows_are_carried_with_the_graphs_answers(
    artifact: Path, served: ServedModel
) -> None:
    found = carried(artifact, served)

    assert len(found.rows) == CARRIED_ROWS
    assert list(found.rows[0]) == list(served.schema.features)
    assert found.outputs.keys() == {"probability", "label"}
    expected = served.answer(encode_rows(served.schema, found.rows))
    assert found.outputs["probability"] == expected["probability"].tolist()
    golden.require(served, found, "here")


def test_what_is_carried_is_json(artifact: Path, served: ServedModel, tmp_path: Path) -> None:
    found = carried(artifact, served)
    found.write(tmp_path)

    json.loads((tmp_path / golden.GOLDEN_JSON).read_text(encoding="utf-8"), parse_constant=refuse)
    assert golden.read(tmp_path) == found


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize("spoil", ["missing", "cut off", "no answers"])
def test_rows_that_cannot_be_read_are_refused(
    artifact: Path, served: ServedModel, tmp_path: Path, spoil: str
) -> None:
    copy = shutil.copytree(artifact, tmp_path / "artifact")
    path = copy / GOLDEN_FILE
    if spoil == "missing":
        path.unlink()
    elif spoil == "cut off":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        pq.write_table(pq.read_table(path).drop_columns([GOLDEN_ANSWER]), path)

    with pytest.raises(PackageError, match="no golden rows") as caught:
        carried(copy, served)
    assert caught.value.where == str(path)
