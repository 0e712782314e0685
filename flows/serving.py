"""`evergreen serve`: one model server in the foreground."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from flows.status import live_version
from pipelines import packaging
from pipelines.errors import PackageError
from pipelines.paths import home
from pipelines.state import ledger, store


def serve(root: Path, name: str, port: int, grpc_port: int, host: str) -> None:
    """Become the model server of a version; returns only by an error.

    Raises:
        PackageError: its bento is not on this machine, or the port is in use.
        WorkspaceError: there is no such version.
    """
    version, places = live_version(root, name), home(root)
    entries = ledger.history(store.connect(places.database), version.model)
    built = [
        entry.evidence["bento"]
        for entry in entries
        if entry.version == version.name and "bento" in entry.evidence
    ]
    tag = next(iter(built), None)
    if tag is None:
        raise PackageError(
            f"no bento of {version.name} was promoted on this machine",
            where=str(places.bentoml),
            next_step=f"run `evergreen retrain {version.model}` here",
        )
    for number, option in ((port, "--port"), (grpc_port, "--grpc-port")):
        _require_free(host, number, option)
    site = packaging.Site.of(version.model, places, port, grpc_port, host)
    argv, environment = packaging.serve_command(tag, places, site)
    doors = f"http://{host}:{port}, gRPC {host}:{grpc_port}"
    print(f"{version.name} on {doors} (Ctrl-C ends it)", flush=True)
    os.execve(argv[0], argv, environment)  # noqa: S606


def _require_free(host: str, port: int, option: str) -> None:
    """Ask before the server does: gRPC would share a port that another one holds."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PackageError(
                f"cannot listen: {error.strerror}",
                where=f"{host}:{port}",
                next_step=f"choose another with {option}",
            ) from error
