"""The model servers of a version: what they are called, how they are started, if they answer."""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipelines.fleet.ports import LOOPBACK, Pair
from pipelines.fleet.program import Program
from pipelines.gateway.table import Endpoint
from pipelines.packaging.server import DRAIN_SECONDS
from pipelines.paths import HOME, HomePaths
from pipelines.stack.tables import Endpoints

_PROGRAM = re.compile(r"(?P<model>[a-z][a-z0-9_]*)-(?P<number>v\d+)-\d+")
# `evergreen serve` finds out within this time that a port is taken, or a bento is not there.
SETTLE_SECONDS = 5
ANSWER_SECONDS = 0.5


def version_of(program: str) -> str | None:
    """`flights@v3` for `flights-v3-0`; None for a program that is no model server."""
    matched = _PROGRAM.fullmatch(program)
    return f"{matched['model']}@{matched['number']}" if matched else None


def names(version: str, replicas: int) -> list[str]:
    """The programs of a version, one a replica."""
    return [f"{version.replace('@', '-')}-{number}" for number in range(replicas)]


def program(
    root: Path, home: HomePaths, name: str, pair: Pair, environment: Mapping[str, str]
) -> Program:
    """One server of a version, as Supervisor is to run it.

    Args:
        root: the project.
        home: its runtime state.
        name: of the program.
        pair: the ports of HTTP and gRPC.
        environment: what every server is told, such as whose tokens it takes.
    """
    command = ("serve", str(version_of(name)), "--port", str(pair[0]), "--grpc-port", str(pair[1]))
    return Program(
        name,
        (sys.executable, "-m", "flows", *command),
        root,
        environment={HOME: str(home.home), **environment},
        stop_seconds=int(DRAIN_SECONDS) + 5,
        settle_seconds=SETTLE_SECONDS,
    )


def listening(book: Mapping[str, Pair]) -> dict[str, Endpoints]:
    """By version, where its servers are by the book of ports."""
    found: dict[str, Endpoints] = {}
    for name, (port, grpc_port) in sorted(book.items()):
        version = version_of(name)
        if version is not None:
            found[version] = (*found.get(version, ()), Endpoint(LOOPBACK, port, grpc_port))
    return found


def ready(places: Iterable[tuple[str, Endpoint]]) -> frozenset[Endpoint]:
    """Those of the servers that are ready to serve the version they should, all asked at once."""
    asked = list(dict.fromkeys(places))
    if not asked:
        return frozenset()
    with ThreadPoolExecutor(max_workers=min(len(asked), 32)) as pool:
        answers = pool.map(lambda each: is_ready(*each), asked)
        return frozenset(place for (_, place), answer in zip(asked, answers, strict=True) if answer)


def is_ready(version: str, place: Endpoint) -> bool:
    """Whether a server is ready, and of this very version: a port may have changed hands."""
    model, _, number = version.partition("@")
    connection = http.client.HTTPConnection(place.host, place.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", f"/v2/models/{model}/versions/{number}/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def all_of(*known: Mapping[str, Endpoints]) -> Collection[tuple[str, Endpoint]]:
    """Each version with each of its places."""
    return {(version, each) for some in known for version, ends in some.items() for each in ends}
