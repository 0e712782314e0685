"""Who may ask the gateway: from the settings to what it is told, and what has to run for it."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import IdentityError
from pipelines.fleet.program import Program
from pipelines.gateway.security import Security
from pipelines.paths import HomePaths
from pipelines.settings import Settings


def guarded(root: Path, home: HomePaths, settings: Settings) -> tuple[Security, list[Program]]:  # noqa: ARG001
    """What the gateway is told about who may ask, and the programs that it needs for that.

    Raises:
        IdentityError: a key or certificate cannot be made or used.
    """
    if settings.identity.mode == "off" and settings.gateway.tls.mode == "off":
        return Security.off(), []
    raise IdentityError(
        "this release has no token endpoint yet",
        where="params.yaml: identity.mode and gateway.tls.mode",
        next_step="set both to off; the gateway then listens on loopback only",
    )
