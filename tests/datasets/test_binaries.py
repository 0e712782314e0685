"""Binary files by name: here or there, found or named as missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.datasets.binaries import LocalFolder, beside, decompressed, first, folder
from pipelines.errors import SourceError
from pipelines.paths import PROJECT


def test_a_relative_path_begins_at_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.bin").write_bytes(b"abc")
    monkeypatch.setenv(PROJECT, str(tmp_path))
    place = folder("images")
    assert place.content("a.bin") == b"abc"
    assert folder(f"file://{tmp_path}/images").content("a.bin") == b"abc"
    found, name = beside("images/a.bin")
    assert (found.content(name), name) == (b"abc", "a.bin")


def test_a_state_holds_no_path_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"abc")
    state = folder(str(tmp_path)).state("a.bin")
    assert (state["name"], state["bytes"]) == ("a.bin", 3)
    assert str(tmp_path) not in str(state)


def test_the_first_name_that_there_is(tmp_path: Path) -> None:
    for name in ("b", "c"):
        (tmp_path / name).touch()
    assert first(LocalFolder(tmp_path), ["a", "b", "c"]) == "b"
    assert first(LocalFolder(tmp_path), ["x"]) is None


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read") as caught:
        LocalFolder(tmp_path).content("gone.bin")
    assert caught.value.where == str(tmp_path / "gone.bin")


def test_what_is_not_gzipped_stays_as_it_is() -> None:
    assert decompressed(b"plain", "a") == b"plain"
