"""Waiting until the gateway and the token endpoint answer, or saying where to look."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Collection

from pipelines.errors import FleetError, GatewayError
from pipelines.gateway import names
from pipelines.gateway.admin import Admin, DownError
from pipelines.gateway.names import PROTOCOLS
from pipelines.ports import LOOPBACK
from pipelines.stack import programs
from pipelines.stack.reading import Stack

PATIENCE_SECONDS = 30.0
_ANSWER_SECONDS = 1.0
_POLL_SECONDS = 0.02


def for_gateway(stack: Stack) -> None:
    """Wait until Envoy says that it is live.

    Raises:
        GatewayError: it does not in time.
    """
    admin = Admin(stack.home.gateway.resolve())

    def problem() -> str | None:
        try:
            said = admin.get("/ready").strip()
        except DownError:
            return "does not run"
        except GatewayError as error:
            return error.problem
        return None if said == "LIVE" else f"is {said.lower()}"

    if last := _last_problem(problem):
        raise GatewayError(
            f"Envoy {last}, {PATIENCE_SECONDS:g} s after it was started",
            where=str(stack.fleet.places.log(programs.GATEWAY)),
            next_step="read the end of this log; is a port of params.yaml: gateway taken "
            "(`ss -tlnp`)?",
        )


def for_servers(stack: Stack, versions: Collection[str]) -> None:
    """Wait until the gateway has found out that these versions, which are ready, answer.

    It looks at every server once a second, and refuses requests until it has.

    Raises:
        GatewayError: it does not in time.
    """
    admin = Admin(stack.home.gateway.resolve())
    clusters = {names.servers(version, protocol) for version in versions for protocol in PROTOCOLS}

    def problem() -> str | None:
        try:
            healthy = admin.healthy()
        except DownError:
            return "does not run"
        missing = sorted(name for name in clusters if not healthy.get(name))
        return f"reaches no server of {', '.join(missing)}" if missing else None

    if last := _last_problem(problem):
        raise GatewayError(
            f"Envoy {last}, although they answer",
            where=str(stack.fleet.places.log(programs.GATEWAY)),
            next_step="read the end of this log, then run `evergreen up` again",
        )


def for_tokens(stack: Stack) -> None:
    """Wait until the token endpoint says that it is ready.

    Raises:
        FleetError: it does not in time.
    """
    port = stack.settings.identity.port

    def problem() -> str | None:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"does not answer: {error}"
        finally:
            connection.close()
        return None if status == http.HTTPStatus.OK else f"is not ready (status {status})"

    if last := _last_problem(problem):
        raise FleetError(
            f"the token endpoint {last}, {PATIENCE_SECONDS:g} s after it was started",
            where=str(stack.fleet.places.log(programs.TOKENS)),
            next_step=f"read the end of this log; is port {port} (identity.port) taken?",
        )


def _last_problem(problem: Callable[[], str | None]) -> str | None:
    """What was wrong at the end of our patience; None as soon as nothing is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (last := problem()) is not None:
        if time.monotonic() > deadline:
            return last
        time.sleep(_POLL_SECONDS)
    return None
