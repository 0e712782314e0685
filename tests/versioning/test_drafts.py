"""A folder that two make at once, or that somebody was killed over."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pipelines.versioning import drafts


def _made(folder: Path, content: str) -> Path:
    made = drafts.draft(folder)
    made.mkdir()
    (made / "file").write_text(content)
    return made


def test_of_two_at_once_the_first_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "versions" / "v1"
    first, second = _made(folder, "first"), _made(folder, "second")
    drafts.keep(first, folder)
    drafts.keep(second, folder)
    assert (folder / "file").read_text() == "first"
    assert list(folder.parent.iterdir()) == [folder]


def test_what_a_killed_one_left_goes_and_what_a_living_one_makes_stays(tmp_path: Path) -> None:
    folder = tmp_path / "v1"
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, alive = (tmp_path / f".v1.{pid}.0a0a0a0a.partial" for pid in (gone.pid, os.getppid()))
    for each in (left, alive):
        each.mkdir()
    drafts.draft(folder)
    assert (left.exists(), alive.exists()) == (False, True)


def test_a_draft_that_cannot_be_renamed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="v1"):
        drafts.keep(tmp_path / "never-made", tmp_path / "v1")
