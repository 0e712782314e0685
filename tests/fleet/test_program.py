"""Groups as values, and on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import FleetError
from pipelines.fleet import program
from pipelines.fleet.program import Group, Program


def test_a_group_is_read_as_it_was_written_and_is_private(tmp_path: Path) -> None:
    group = Group(
        "flights-v3",
        (
            Program("flights-v3-0", ("a", "b c"), tmp_path, {"KEY": "s3cret"}, "INT", 3, 2, True),
            Program("flights-v3-1", ("a",), tmp_path),
        ),
    )
    path = tmp_path / "groups" / "flights-v3.json"
    program.write(group, path)
    assert program.read(path) == group
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"name": "a"}', '{"name": "a", "programs": [{}]}']
)
def test_what_cannot_be_read_is_no_group(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    assert program.read(path) is None
    assert program.read(tmp_path / "none.json") is None


@pytest.mark.parametrize("name", ["", "Flights", "a b", "a:b", "-a", "a/b", "a]"])
def test_names_that_supervisor_could_not_hold_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FleetError, match="lower-case"):
        Program(name, ("true",), tmp_path)


def test_a_group_has_programs_that_differ(tmp_path: Path) -> None:
    one = Program("a-0", ("true",), tmp_path)
    for programs in ((), (one, one)):
        with pytest.raises(FleetError, match="one at least"):
            Group("a", programs)
    with pytest.raises(FleetError, match="command line"):
        Program("a", (), tmp_path)
