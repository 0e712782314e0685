"""What Supervisor is to run, as values, and the private file that each program is written to."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from pipelines.errors import FleetError

Signal = Literal["TERM", "INT", "QUIT", "HUP"]
# It stands in Supervisor's files, and names others.
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,79}")


@dataclass(frozen=True)
class Program:
    """One process that is kept running.

    Attributes:
        name: unique in the fleet; also that of its log.
        argv: the command line.
        directory: the folder it works in.
        environment: what it is told beside the environment that the stack was started with.
        stop_signal: what asks it to end.
        stop_seconds: how long it may take to end, before it is killed.
        settle_seconds: it counts as started once it lived so long; dying sooner is a failed start.
        is_tree_asked: whether its children are sent `stop_signal` too, for a program that does not
            pass it on.
    """

    name: str
    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: Signal = "TERM"
    stop_seconds: int = 15
    settle_seconds: int = 1
    is_tree_asked: bool = False

    def __post_init__(self) -> None:
        _require_name(self.name)
        if not self.argv:
            raise FleetError("no command line", where=self.name, next_step="name a program to run")


def write(program: Program, path: Path) -> None:
    """Write a program whole, for its owner's eyes only: an environment may hold a secret."""
    content = asdict(program) | {"directory": str(program.directory)}
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> Program | None:
    """The program that `write` wrote; None if there is none, or none of this release.

    Whoever asks then writes it anew: it says what to run, and that is known elsewhere.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        argv, directory = tuple(content["argv"]), Path(content["directory"])
        return Program(**(content | {"argv": argv, "directory": directory}))
    except (OSError, ValueError, KeyError, TypeError, FleetError):
        return None


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise FleetError(
            "cannot be the name of a program",
            where=repr(name),
            next_step="use lower-case letters, digits, '-', '_' and '.', a letter first",
        )
