"""Let what is being answered end before Envoy does."""

from __future__ import annotations

from pathlib import Path

from pipelines.gateway.admin import Admin, DownError, wait_until

_ACTIVE = "http.ingress.downstream_rq_active"


def drain(folder: Path, seconds: float) -> bool:
    """Take no new connection, and wait for the requests that are there.

    SIGTERM ends Envoy with whatever it is doing, so this comes first.

    Args:
        folder: of the gateway.
        seconds: how long to wait at most.

    Returns:
        Whether nobody is being answered any more; True as well if Envoy does not run.

    Raises:
        GatewayError: Envoy runs, and does not answer.
    """
    admin = Admin(folder.resolve())

    def is_idle() -> bool:
        return admin.statistics(f"^{_ACTIVE}$").get(_ACTIVE) == "0"

    try:
        admin.post("/drain_listeners")
        return wait_until(is_idle, seconds)
    except DownError:
        return True
