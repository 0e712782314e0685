"""Where files are, and who may read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.errors import FleetError
from pipelines.fleet import layout
from pipelines.fleet.layout import LONGEST_SOCKET, Layout


def test_the_socket_is_in_the_folder_where_its_path_is_short_enough() -> None:
    assert Layout(Path("/a/fleet"), Path("/a/logs")).socket == Path("/a/fleet/supervisor.sock")


def test_a_long_path_moves_the_socket_to_a_place_of_its_own(tmp_path: Path) -> None:
    first, second = (Layout(tmp_path / (end * 90), tmp_path / "logs") for end in "ab")
    assert len(os.fsencode(first.socket)) <= LONGEST_SOCKET
    assert first.socket != second.socket
    assert first.socket == Layout(first.folder, first.logs).socket


def test_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    places = Layout(tmp_path / "fleet", tmp_path / "logs")
    places.folder.mkdir(mode=0o755)
    layout.make(places)
    assert places.folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Layout(tmp_path / "fleet", tmp_path / "logs")
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(FleetError, match="another user"):
        layout.make(places)
