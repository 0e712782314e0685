"""Envoy's admin interface, over its Unix socket."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from pipelines.errors import GatewayError
from pipelines.gateway.names import CLUSTERS_FILE, FAULTS_FILE, ROUTES, ROUTES_FILE

ANSWER_SECONDS = 2.0
LOOK_EVERY_SECONDS = 0.005
# The kernel takes 107 bytes on Linux and 103 on macOS.
_LONGEST_PATH = 100
# Envoy's statistics of what it was told by each file.
_STATISTICS = {
    CLUSTERS_FILE: "cluster_manager.cds",
    FAULTS_FILE: "listener_manager.lds",
    ROUTES_FILE: f"http.ingress.rds.{ROUTES}",
}
HEALTHY = "membership_healthy"


class DownError(Exception):
    """Nobody listens: Envoy does not run."""


def socket_path(folder: Path, name: str) -> Path:
    """Where a socket of the gateway in `folder` is.

    In the folder itself, or, where that is too deep for a socket's address, in one of the user's
    own in the place for temporary files.
    """
    path = folder / f"{name}.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    private = Path(tempfile.gettempdir()) / f"evergreen-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    seen = private.lstat()
    if seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise GatewayError(
            "belongs to somebody else, or is open to others",
            where=str(private),
            next_step="remove it, or move the project to a shorter path (EVERGREEN_HOME)",
        )
    return private / f"{digest}-{name}.sock"


class Taken(NamedTuple):
    """Which version of a file Envoy works with, and how often it refused one since it started.

    The version is empty before the first.
    """

    version: str
    refusals: int


class Admin:
    """The admin interface of the Envoy whose files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.path = socket_path(folder, "admin")

    def get(self, path: str) -> str:
        """The body of an answer; raises DownError or GatewayError."""
        return self._ask("GET", path)

    def post(self, path: str) -> str:
        """The same, for what changes something."""
        return self._ask("POST", path)

    def _ask(self, method: str, path: str) -> str:
        connection = _UnixConnection(self.path)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise DownError from error
        except (OSError, http.client.HTTPException) as error:
            raise _silent(self.path, f"does not answer: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise _silent(self.path, f"answers {path} with {answer.status}: {body.strip()[:200]}")
        return body

    def statistics(self, pattern: str) -> dict[str, str]:
        """The statistics whose name matches a regular expression, as they are written."""
        lines = self.get(f"/stats?filter={quote(pattern)}").splitlines()
        pairs = (line.partition(": ") for line in lines)
        return {name: value.strip('"') for name, _, value in pairs}

    def taken(self, name: str) -> Taken:
        """What has become of a dynamic file."""
        prefix = _STATISTICS[name]
        found = self.statistics(f"^{_escaped(prefix)}\\.(version_text|update_rejected)$")
        refusals = int(found.get(f"{prefix}.update_rejected", "0"))
        return Taken(found.get(f"{prefix}.version_text", ""), refusals)

    def healthy(self) -> dict[str, int]:
        """By cluster, how many of its servers are healthy; without those that are warming."""
        found = self.statistics(f"^cluster\\..*\\.{HEALTHY}$")
        return {
            name.removeprefix("cluster.").removesuffix(f".{HEALTHY}"): int(value)
            for name, value in found.items()
        }


def wait_until(is_true: Callable[[], bool], seconds: float) -> bool:
    """Look again and again; False if it did not come true in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_SECONDS)
    return True


def _escaped(name: str) -> str:
    return name.replace(".", "\\.")


def _silent(path: Path, problem: str) -> GatewayError:
    return GatewayError(
        f"Envoy {problem}",
        where=str(path),
        next_step="see its log (`evergreen status` names it); `evergreen up` starts it again",
    )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(str(self._path))
