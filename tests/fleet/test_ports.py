"""Ports are chosen once, below those of outgoing connections, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import FleetError
from pipelines.fleet import ports


def test_two_names_begin_to_look_in_two_places() -> None:
    first = ports.choose("flights-v3-0", (), lambda port: True)
    assert first == ports.choose("flights-v3-0", (), lambda port: True)
    assert first != ports.choose("flights-v4-0", (), lambda port: True)
    assert all(ports.FIRST <= port < ports.LAST for port in first)


def test_what_is_taken_is_passed_over() -> None:
    first, second = ports.choose("a", (), lambda port: True)
    assert ports.choose("a", (first,), lambda port: port != second) == (second + 1, second + 2)


def test_it_begins_anew_at_the_end_of_the_range_and_ends_where_it_began() -> None:
    low = (ports.FIRST, ports.FIRST + 1)
    assert ports.choose("a", (), lambda port: port in low) == low
    with pytest.raises(FleetError, match="no two free ports"):
        ports.choose("a", (), lambda port: port == ports.FIRST)


def test_the_book_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    assert ports.read(path) == {}
    ports.write(path, {"b": (3, 4), "a": (1, 2)})
    assert ports.read(path) == {"a": (1, 2), "b": (3, 4)}


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', '{"a": [1]}', '{"a": ["x", "y"]}'])
def test_a_damaged_book_is_an_empty_one(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(content)
    assert ports.read(path) == {}
