"""Everything that must be there before Envoy is started."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import yaml

from pipelines import files, paths
from pipelines.errors import GatewayError
from pipelines.gateway import bootstrap, dynamic, faults, prepared
from pipelines.gateway.admin import socket_path
from pipelines.gateway.binary import envoy
from pipelines.gateway.dynamic import Discovery
from pipelines.gateway.locking import locked
from pipelines.gateway.names import BOOTSTRAP_FILE, CERTIFICATE_FILE, LAST_GOOD
from pipelines.gateway.preflight import require_valid
from pipelines.gateway.prepared import Prepared
from pipelines.gateway.security import Security
from pipelines.gateway.table import Table
from pipelines.settings import Settings


def prepare(folder: Path, settings: Settings, security: Security) -> list[str]:
    """Write what Envoy reads once, and return the command that starts it.

    The command holds a digest of all that: whoever compares command lines starts Envoy anew when
    something changed that it does not take while it runs, and only then.

    Args:
        folder: for the gateway's files alone.
        settings: the sections `gateway`, and the names of models and chains.
        security: who may ask; `Security.off()` on loopback only.

    Raises:
        GatewayError: Envoy is not installed or would not take this, a certificate is missing, or
            others could reach a gateway without identity.
    """
    bootstrap.require_protected(settings.gateway, security)
    envoy()
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    # Subjects and request ids are in its log.
    folder.chmod(0o700)
    text = bootstrap.render(folder, settings.gateway, security)
    now_prepared = _prepared(folder, settings, security, text)
    with locked(folder):
        if settings.gateway.tls.mode != "off":
            _write_certificate(folder, settings, security)
        content = _content(folder, now_prepared)
        require_valid(now_prepared.bootstrap, content)
        for name, discovery in content.items():
            if dynamic.read(folder / name) != discovery:
                discovery.write(folder / name)
        dynamic.keep_last_good(folder, content)
        files.write_text(text, folder / BOOTSTRAP_FILE)
        now_prepared.write(folder)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return [sys.executable, "-m", "pipelines.gateway.start", str(folder), digest]


def _prepared(folder: Path, settings: Settings, security: Security, text: str) -> Prepared:
    return Prepared(
        bootstrap=yaml.safe_load(text),
        max_requests=settings.gateway.max_requests,
        buffer_bytes=bootstrap.buffer_bytes(settings.gateway),
        sockets=str(socket_path(folder, f"fault-{faults.DIGITS}")),
        open_route=dict(security.per_route("open", None)),
        per_route=prepared.per_route(security, [*settings.models, *settings.chain]),
        others=[dict(route) for route in security.routes],
    )


def _content(folder: Path, now_prepared: Prepared) -> dict[str, Discovery]:
    """What was applied last, unless it was made for other filters; then no model has a route.

    Routes that do not name what a filter shall require would let everybody through it.
    """
    current = dynamic.read_all(folder) or dynamic.read_all(folder / LAST_GOOD)
    if current is not None and _rules(folder) == now_prepared.rules:
        return current
    return now_prepared.render(Table(), dynamic.newest_generation(folder) + 1, now=0.0)


def _rules(folder: Path) -> tuple[Any, ...] | None:
    try:
        return prepared.read(folder).rules
    except GatewayError:  # none yet, or of another release: the routes are made anew
        return None


def _write_certificate(folder: Path, settings: Settings, security: Security) -> None:
    tls = settings.gateway.tls
    if tls.mode == "files":
        key = "gateway.tls.certificate and gateway.tls.key"
        pair = [path and paths.in_project(path) for path in (tls.certificate, tls.key)]
    else:
        key = "the certificate for development"
        pair = [security.certificate, security.key]
    chain, private = pair
    if chain is None or private is None:
        raise GatewayError(
            f"{key}: not given",
            where=f"params.yaml: gateway.tls.mode {tls.mode}",
            next_step="name both files, or use `evergreen up`, which makes a pair for `local`",
        )
    secret = bootstrap.certificate(chain, private)
    Discovery(0, [secret]).write(folder / CERTIFICATE_FILE)
