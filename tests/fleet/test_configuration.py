"""What Supervisor's own parser makes of the file."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from pipelines.errors import FleetError
from pipelines.fleet import configuration
from pipelines.fleet.layout import Layout
from pipelines.fleet.program import Program


def parsed(layout: Layout, programs: list[Program]) -> ServerOptions:
    layout.folder.mkdir(parents=True)
    layout.logs.mkdir(parents=True)
    options = ServerOptions()
    options.realize(["-c", str(configuration.write(layout, programs))])
    return options


@pytest.mark.parametrize("home", ["home", "100% of home", 'it\'s "home"'])
def test_supervisor_reads_back_what_was_meant(tmp_path: Path, home: str) -> None:
    layout = Layout(tmp_path / home / "fleet", tmp_path / home / "logs")
    programs = [
        Program("flights-v3-0", ("true",), tmp_path, stop_signal="INT", stop_seconds=7),
        Program("flights-v3-1", ("true",), tmp_path, is_tree_asked=True),
    ]
    options = parsed(layout, programs)
    found = {each.name: each.process_configs[0] for each in options.process_group_configs}
    assert found.keys() == {"flights-v3-0", "flights-v3-1"}
    first, second = found["flights-v3-0"], found["flights-v3-1"]
    assert (first.stopsignal, first.stopwaitsecs, first.stopasgroup) == (2, 7, False)
    assert second.stopasgroup
    assert first.stdout_logfile == str(layout.log("flights-v3-0"))
    assert first.stdout_logfile_maxbytes == configuration.LOG_BYTES
    command = shlex.split(first.command)
    assert (command[0], command[-1]) == (sys.executable, str(layout.program("flights-v3-0")))
    assert first.autorestart
    assert options.umask == 0o077


@pytest.mark.parametrize("home", ["a ;b", "a #b", "two\nlines"])
def test_a_folder_that_cannot_be_written_down_is_refused(tmp_path: Path, home: str) -> None:
    layout = Layout(tmp_path / home, tmp_path / "logs")
    with pytest.raises(FleetError, match="choose another folder"):
        configuration.render(layout, [])
