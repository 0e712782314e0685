"""Files of their owner alone."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pipelines.errors import IdentityError
from pipelines.identity.private import locked, read_private, write_private


def test_a_private_file_is_its_owners_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    before = os.umask(0)
    try:
        write_private(b"first", path)
        write_private(b"second", path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read_private(path) == b"second"
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_a_write_that_fails_leaves_what_was(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(b"first", path)
    with pytest.raises(TypeError):
        write_private("text", path)  # type: ignore[arg-type]
    assert read_private(path) == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_secret_that_others_may_read_is_none(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(b"first", path)
    path.chmod(mode)
    with pytest.raises(IdentityError, match=f"mode {mode:04o}") as caught:
        read_private(path)
    assert "--revoke" in caught.value.next_step


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    with pytest.raises(IdentityError, match="folder"):
        read_private(tmp_path / "folder")
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "nothing")


def test_one_at_a_time_changes_a_folder(tmp_path: Path) -> None:
    path, order = tmp_path / "count", []
    path.write_text("0")

    def change() -> None:
        for _ in range(50):
            with locked(tmp_path):
                count = int(path.read_text())
                order.append(count)
                path.write_text(str(count + 1))

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "200"
    assert order == list(range(200))
