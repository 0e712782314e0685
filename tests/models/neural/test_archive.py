"""Arrays and facts: the same bytes, nothing that runs code, and a clear word on damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.models.neural import archive

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(7, dtype=np.int64)}
FACTS = {"epoch": 3, "name": "âge", "curve": [{"loss": 0.1 + 0.2}]}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    archive.write(tmp_path / "folder" / "a.npz", FACTS, ARRAYS)
    facts, arrays = archive.read(tmp_path / "folder" / "a.npz", next_step="")
    assert facts == FACTS
    assert arrays.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        assert arrays[name].dtype == value.dtype
        assert np.array_equal(arrays[name], value)


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        archive.write(tmp_path / name, FACTS, ARRAYS)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_python_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(ValueError, match=r"[Oo]bject arrays"):
        archive.write(path, FACTS, {"o": np.array([{}], dtype=object)})
    assert not path.exists()
    np.savez(path, facts=np.array("{}"), o=np.array([{}], dtype=object))
    with pytest.raises(ModelError, match="allow_pickle"):
        archive.read(path, next_step="")


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_a_file_that_is_cut_off_is_named(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    archive.write(path, FACTS, ARRAYS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="not readable") as caught:
        archive.read(path, next_step="fetch it")
    assert (caught.value.where, caught.value.next_step) == (str(path), "fetch it")


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    archive.write(path, FACTS, {"a": np.zeros(1000)})
    content = bytearray(path.read_bytes())
    content[content.index(bytes(4000)) + 100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="CRC"):
        archive.read(path, next_step="")


@pytest.mark.parametrize("facts", [[1], "text"])
def test_facts_are_an_object(facts: object, tmp_path: Path) -> None:
    archive.write(tmp_path / "a.npz", facts, {})  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="not an object"):
        archive.read(tmp_path / "a.npz", next_step="")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no_such"):
        archive.read(tmp_path / "no_such.npz", next_step="")
