"""The programs of the stack that are no model servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.fleet.program import Program
from pipelines.paths import HOME, HomePaths

GATEWAY = "gateway"
TOKENS = "token-endpoint"


def gateway(root: Path, home: HomePaths, argv: Sequence[str]) -> Program:
    """Envoy, by the command line that `gateway.prepare` gave."""
    environment = {HOME: str(home.home)}
    return Program(GATEWAY, tuple(argv), root, environment, stop_seconds=10)


def tokens(root: Path, home: HomePaths, argv: Sequence[str], more: Mapping[str, str]) -> Program:
    """The token endpoint."""
    environment = {HOME: str(home.home), **more}
    return Program(TOKENS, tuple(argv), root, environment, stop_seconds=10)
