"""Programs as values, and on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import FleetError
from pipelines.fleet import program
from pipelines.fleet.program import Program


def test_a_program_is_read_as_it_was_written_and_is_private(tmp_path: Path) -> None:
    full = Program("flights-v3-0", ("a", "b c"), tmp_path, {"KEY": "s3cret"}, "INT", 3, 2, True)
    for each in (full, Program("gateway", ("a",), tmp_path)):
        path = tmp_path / "programs" / f"{each.name}.json"
        program.write(each, path)
        assert program.read(path) == each
        assert path.stat().st_mode & 0o777 == 0o600
    assert len(list((tmp_path / "programs").iterdir())) == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "1", '{"name": "a"}', '{"argv": ["a"], "directory": "/"}']
)
def test_what_cannot_be_read_is_no_program(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    assert program.read(path) is None
    assert program.read(tmp_path / "none.json") is None


@pytest.mark.parametrize("name", ["", "Flights", "a b", "a:b", "-a", "a/b", "a]"])
def test_names_that_supervisor_could_not_hold_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FleetError, match="lower-case"):
        Program(name, ("true",), tmp_path)


def test_a_program_has_a_command_line(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="command line"):
        Program("a", (), tmp_path)
