"""Files are there whole, or not at all; the same content has the same bytes."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pandas as pd
import pytest

from pipelines import files


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), files.replacing(path) as temporary:
        temporary.write_text("new, but not yet all")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with files.replacing(path) as temporary:
        temporary.write_text("all of it")
        assert not path.exists()
        assert temporary.parent == path.parent  # a rename across file systems is not atomic
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": {"b": -float("inf")}}])
def test_what_is_not_json_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(value, tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_json_comes_back_in_order(tmp_path: Path) -> None:
    files.write_json({"b": 1, "a": [None, "Zürich"]}, tmp_path / "a.json")
    assert list(files.read_json(tmp_path / "a.json")) == ["b", "a"]
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": 1, "a": [None, "Zürich"]}


def test_equal_frames_have_equal_bytes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", None]}, index=[7, 3])
    for name in ("one", "two"):
        files.write_parquet(frame.copy(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    back = pd.read_parquet(tmp_path / "one")
    pd.testing.assert_frame_equal(back, frame.reset_index(drop=True))


def test_an_emptied_folder_is_there_and_empty(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert files.emptied(folder) == folder
    (folder / "left over" / "deep").mkdir(parents=True)
    assert list(files.emptied(folder).iterdir()) == []
