"""The model servers of a version: what they are called, how they are started, if they answer."""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipelines.fleet.ports import Pair
from pipelines.fleet.program import Program
from pipelines.gateway.table import Endpoint
from pipelines.packaging.server import DRAIN_SECONDS
from pipelines.paths import HOME, HomePaths
from pipelines.ports import LOOPBACK
from pipelines.stack.tables import Endpoints

_PROGRAM = re.compile(r"(?P<model>[a-z][a-z0-9_]*)-(?P<number>v\d+(\.v\d+)?)-\d+")
# `evergreen serve` finds out within this time that a port is taken, or a bento is not there.
SETTLE_SECONDS = 5
ANSWER_SECONDS = 0.5
# A probe needs no token, so whoever asks for one is no server of this release.
_FOREIGN = "somebody else has the port, or a server from before an update: end it, `evergreen up`"
_SAID: dict[int, str] = {
    http.HTTPStatus.UNAUTHORIZED: _FOREIGN,
    http.HTTPStatus.FORBIDDEN: _FOREIGN,
    http.HTTPStatus.NOT_FOUND: "it serves another version, or is no model server",
    http.HTTPStatus.SERVICE_UNAVAILABLE: "the model is still being opened",
}


def version_of(program: str) -> str | None:
    """`flights@v3` for `flights-v3-0`; None for a program that is no model server.

    Of a chain it has the number of either model: `flights_trip@v3.v1`.
    """
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
    return frozenset(place for (_, place), why in asked(places).items() if why is None)


def asked(places: Iterable[tuple[str, Endpoint]]) -> dict[tuple[str, Endpoint], str | None]:
    """Why each of the servers is not ready, None for one that is; all asked at once."""
    each = list(dict.fromkeys(places))
    if not each:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(each), 32)) as pool:
        return dict(zip(each, pool.map(lambda one: unready(*one), each), strict=True))


def unready(version: str, place: Endpoint) -> str | None:
    """Why a server is not ready to serve this very version: a port may have changed hands.

    None for one that is.
    """
    model, _, number = version.partition("@")
    connection = http.client.HTTPConnection(place.host, place.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", f"/v2/models/{model}/versions/{number}/ready")
        status = connection.getresponse().status
    except ConnectionRefusedError:
        return f"nothing listens on its port {place.port} yet; a start takes seconds"
    except TimeoutError:
        return f"no answer on port {place.port} within {ANSWER_SECONDS:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on port {place.port}: {error!r}"
    finally:
        connection.close()
    if status == http.HTTPStatus.OK:
        return None
    said = _SAID.get(status, "which no server of ours answers there")
    return f"port {place.port} answers {status} when asked if it is ready: {said}"


def all_of(*known: Mapping[str, Endpoints]) -> Collection[tuple[str, Endpoint]]:
    """Each version with each of its places."""
    return {(version, each) for some in known for version, ends in some.items() for each in ends}
