"""A model folder is what it was when it was trained, or it is not used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import ModelError
from pipelines.signature import MODEL_FILE, SIGNATURE_FILE, Signature, digest
from tests.small import SCHEMA


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / MODEL_FILE).write_bytes(b"a graph")
    sha256 = digest(tmp_path / MODEL_FILE)
    Signature("shop", "logistic", SCHEMA, sha256, {"city": ["Oslo"]}).write(tmp_path)
    return tmp_path


def test_what_is_written_comes_back(folder: Path) -> None:
    signature = Signature.read(folder)
    assert signature.schema == SCHEMA
    assert signature.categories_seen == {"city": ["Oslo"]}
    assert len(signature.sha256) == 64


def test_one_changed_bit_of_the_graph_is_noticed(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(b"b graph")
    with pytest.raises(ModelError, match="the digest is") as caught:
        Signature.read(folder)
    assert caught.value.where == str(folder / MODEL_FILE)


@pytest.mark.parametrize("name", [MODEL_FILE, SIGNATURE_FILE])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        Signature.read(folder)


@pytest.mark.parametrize(
    "change",
    [{"schema": None}, {"schema": {}}, {"more": 1}, {"sha256": "0" * 64}],
)
def test_a_tampered_signature_is_refused(folder: Path, change: dict[str, Any]) -> None:
    path = folder / SIGNATURE_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError):
        Signature.read(folder)


def test_a_signature_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / SIGNATURE_FILE).write_text("{")
    with pytest.raises(ModelError, match="not a model folder"):
        Signature.read(folder)
