"""The programs of the stack that are no model servers."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from pipelines.fleet.program import Program
from pipelines.paths import HOME, HomePaths
from pipelines.stack import secured

GATEWAY = "gateway"
TOKENS = "token-endpoint"
KEEPER = "keeper"
TELLER = "teller"
DASHBOARD = "dashboard"
# Those that params.yaml may want no more.
OPTIONAL = frozenset({TOKENS, DASHBOARD})
_STOP_SECONDS = 10


def gateway(root: Path, home: HomePaths, argv: Sequence[str]) -> Program:
    """Envoy, by the command line that `gateway.prepare` gave."""
    environment = {HOME: str(home.home)}
    return Program(GATEWAY, tuple(argv), root, environment, stop_seconds=_STOP_SECONDS)


def tokens(root: Path, home: HomePaths) -> Program:
    """The token endpoint."""
    argv, environment = tuple(secured.endpoint_command()), {HOME: str(home.home)}
    return Program(TOKENS, argv, root, environment, stop_seconds=_STOP_SECONDS)


def keeper(root: Path, home: HomePaths) -> Program:
    """Whoever brings the stack in line when nobody else does."""
    argv = (sys.executable, "-m", "pipelines.stack.keeper", str(root))
    return Program(KEEPER, argv, root, {HOME: str(home.home)}, stop_seconds=_STOP_SECONDS)


def teller(root: Path, home: HomePaths) -> Program:
    """Whoever tells people and Prometheus what the state store says: not Prefect, which may be what
    is down."""
    argv = (sys.executable, "-m", "pipelines.alerting.teller", str(root))
    return Program(TELLER, argv, root, {HOME: str(home.home)}, stop_seconds=_STOP_SECONDS)


def dashboard(root: Path, home: HomePaths, port: int) -> Program:
    """Evidently's interface on the timeline of all models.

    It shows what others have written and decides nothing.
    """
    place = (str(home.timeline), str(port))
    argv = (sys.executable, "-m", "pipelines.monitoring.dashboard", *place)
    return Program(DASHBOARD, argv, root, {"DO_NOT_TRACK": "1"}, stop_seconds=_STOP_SECONDS)


def waves(names: Collection[str]) -> list[list[str]]:
    """In which order programs end: who asks others goes before those that are asked."""
    first = {GATEWAY, KEEPER} & set(names)
    workers = {name for name in names if name.endswith("-worker")}
    return [sorted(first), sorted(workers), sorted(set(names) - first - workers)]
