"""Where the API of the cluster is, and how one proves who asks it."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ClusterError

# Where every pod finds its service account.
MOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


@dataclass(frozen=True)
class Access:
    """One cluster, as one identity.

    Attributes:
        server: the URL of its API.
        tls: whom to believe, and the client's own certificate if it has one.
        namespace: that objects are in if nobody says otherwise.
        token: a bearer token, or None.
        token_file: where the token is, for one that changes; or None.
        source: what to name when something of this is wrong.
    """

    server: str
    tls: ssl.SSLContext
    namespace: str
    token: str | None = None
    token_file: Path | None = None
    source: str = ""

    def headers(self) -> dict[str, str]:
        """What goes with each request. A pod's token is replaced hourly, so it is read anew.

        Raises:
            ClusterError: the token cannot be read.
        """
        token = self.token
        if self.token_file is not None:
            token = read(self.token_file, "the token").strip()
        return {} if token is None else {"authorization": f"Bearer {token}"}


def is_in_cluster() -> bool:
    """Whether this process runs in a pod."""
    return bool(os.environ.get(_HOST))


def in_cluster(mount: Path = MOUNT) -> Access:
    """The access of this pod's service account.

    Raises:
        ClusterError: its files are not there.
    """
    host, port = os.environ[_HOST], os.environ.get(_PORT) or "443"
    name = f"[{host}]" if ":" in host else host
    certificate = read(mount / "ca.crt", "the cluster's certificate")
    return Access(
        server=f"https://{name}:{port}",
        tls=trusting(certificate, str(mount / "ca.crt")),
        namespace=read(mount / "namespace", "the namespace").strip(),
        token_file=mount / "token",
        source=str(mount),
    )


def trusting(certificates: str, where: str) -> ssl.SSLContext:
    """A context that believes these authorities, as PEM, and no others.

    Raises:
        ClusterError: they are no certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError) as error:
        raise ClusterError(
            f"no certificate of an authority: {error}",
            where=where,
            next_step="look for a file that was cut off, or is of another format than PEM",
        ) from error
    return context


def read(path: Path, what: str) -> str:
    """The text of a file that access needs.

    Raises:
        ClusterError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(
            f"{what} cannot be read: {error}",
            where=str(path),
            next_step="in a pod, set `automountServiceAccountToken: true` and a service account; "
            "elsewhere, correct the path in the kubeconfig",
        ) from error
