"""Supervisor's configuration file, rendered from values."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from configparser import RawConfigParser
from io import StringIO
from pathlib import Path

from pipelines.errors import FleetError
from pipelines.files import write_text
from pipelines.fleet import launch
from pipelines.fleet.layout import Layout
from pipelines.fleet.program import Program

LOG_BYTES = 10 * 1024 * 1024
LOG_BACKUPS = 5
# Each failed start waits a second longer than the one before; after so many Supervisor gives up,
# which is well over an hour.
START_RETRIES = 100


def render(layout: Layout, programs: Iterable[Program]) -> str:
    """The text of supervisord.conf.

    What a program is (its command line, its environment) is not in it: `launch` reads that from
    a private file. Supervisor would expand every % and cannot quote every value.

    Raises:
        FleetError: a path cannot be written down here.
    """
    parser = RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    described = {f"program:{each.name}": _program(layout, each) for each in programs}
    for name, values in (_daemon(layout) | described).items():
        parser[name] = {key: _escaped(value) for key, value in values.items()}
    text = StringIO()
    parser.write(text)
    return text.getvalue()


def _daemon(layout: Layout) -> dict[str, dict[str, str]]:
    return {
        "unix_http_server": {"file": str(layout.socket), "chmod": "0600"},
        "supervisord": {
            "identifier": "evergreen",
            "logfile": str(layout.supervisor_log),
            "logfile_maxbytes": str(LOG_BYTES),
            "logfile_backups": str(LOG_BACKUPS),
            "pidfile": str(layout.pid),
            "childlogdir": str(layout.logs),
            # What a program writes is for its owner until it says otherwise.
            "umask": "077",
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        "supervisorctl": {"serverurl": f"unix://{layout.socket}"},
    }


def _program(layout: Layout, program: Program) -> dict[str, str]:
    command = [sys.executable, "-P", launch.__file__, str(layout.program(program.name))]
    return {
        "command": shlex.join(command),
        "directory": str(program.directory),
        "autostart": "true",
        "autorestart": "true",
        "startsecs": str(program.settle_seconds),
        "startretries": str(START_RETRIES),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "stopasgroup": str(program.is_tree_asked).lower(),
        # Whoever had to be killed has children that were not told.
        "killasgroup": "true",
        "redirect_stderr": "true",
        # Supervisor expands this one a second time.
        "stdout_logfile": str(layout.log(program.name)).replace("%", "%%"),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }


def _escaped(value: str) -> str:
    """The value as Supervisor will read it back: % expands, and a ; after a space is a comment."""
    if any(mark in value for mark in ("\n", "\r", " ;", "\t;", " #", "\t#")):
        raise FleetError(
            "Supervisor's files cannot hold a line break, or a ; or # after a space",
            where=repr(value),
            next_step="choose another folder, for example with EVERGREEN_HOME",
        )
    return value.replace("%", "%%")


def write(layout: Layout, programs: Iterable[Program]) -> Path:
    """Write the file whole, and return its path."""
    write_text(render(layout, programs), layout.configuration)
    return layout.configuration
