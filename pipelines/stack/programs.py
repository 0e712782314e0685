"""The programs of the stack that are no model servers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.fleet.program import Program
from pipelines.paths import HOME, HomePaths
from pipelines.stack import secured

GATEWAY = "gateway"
TOKENS = "token-endpoint"
_STOP_SECONDS = 10


def gateway(root: Path, home: HomePaths, argv: Sequence[str]) -> Program:
    """Envoy, by the command line that `gateway.prepare` gave."""
    environment = {HOME: str(home.home)}
    return Program(GATEWAY, tuple(argv), root, environment, stop_seconds=_STOP_SECONDS)


def tokens(root: Path, home: HomePaths) -> Program:
    """The token endpoint."""
    argv, environment = tuple(secured.endpoint_command()), {HOME: str(home.home)}
    return Program(TOKENS, argv, root, environment, stop_seconds=_STOP_SECONDS)
