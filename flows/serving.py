"""`evergreen serve`: the bento of a version, and one model server in the foreground."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from flows.status import live_version
from pipelines import packaging
from pipelines.errors import PackageError
from pipelines.paths import home
from pipelines.state import ledger, store
from pipelines.versioning.versions import Version


def promoted_bento(root: Path, name: str) -> tuple[Version, str]:
    """The version that `flights` or `flights@v3` stands for, and the tag of its bento.

    Raises:
        PackageError: its bento is not on this machine.
        SettingsError: there is no such model.
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
    return version, tag


def serve(root: Path, name: str, port: int, host: str) -> None:
    """Become the model server of a version; returns only by an error.

    Raises:
        PackageError: its bento is not on this machine, or the port is in use.
        WorkspaceError: there is no such version.
    """
    version, tag = promoted_bento(root, name)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PackageError(
                f"cannot listen: {error.strerror}",
                where=f"{host}:{port}",
                next_step="choose another with --port",
            ) from error
    argv, environment = packaging.serve_command(tag, home(root), port, host)
    print(f"{version.name} on http://{host}:{port} (Ctrl-C ends it)", flush=True)
    os.execve(argv[0], argv, environment)  # noqa: S606
