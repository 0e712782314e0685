"""Access as a kubeconfig says it, of its current context."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn
from urllib.parse import urlsplit

import yaml

from pipelines.errors import ClusterError
from pipelines.kubernetes.access import Access, read, trusting

_PLUGINS = ("exec", "auth-provider", "username")


def path() -> Path:
    """The kubeconfig that kubectl would use."""
    named = os.environ.get("KUBECONFIG")
    return Path(named) if named else Path.home() / ".kube" / "config"


def access(file: Path) -> Access:
    """The access of the current context.

    Raises:
        ClusterError: the file cannot be read, names what is not in it, or wants what is not
            supported here: several files, plugins, passwords, an unchecked certificate.
    """
    config = _Config(file, _parsed(file))
    context = config.entry("contexts", "context", config.current())
    cluster = config.entry("clusters", "cluster", str(context.get("cluster")))
    user = config.entry("users", "user", str(context.get("user")))
    server = str(cluster.get("server"))
    if urlsplit(server).scheme != "https":
        config.refuse(f"{server!r} is no https address", "correct clusters[].cluster.server")
    if cluster.get("insecure-skip-tls-verify"):
        config.refuse(
            "anybody could stand in for this cluster: insecure-skip-tls-verify is on",
            "put the cluster's certificate into certificate-authority-data instead",
        )
    if found := [name for name in _PLUGINS if name in user]:
        config.refuse(
            f"logs in by {found[0]}, which is not run here",
            "make a token with `kubectl create token evergreen`, and a context with it",
        )
    certificates = config.text(cluster, "certificate-authority")
    if certificates is None:
        config.refuse("names no certificate authority", "add certificate-authority-data")
    tls = trusting(certificates, f"{file}: certificate-authority")
    config.identify(tls, user)
    token_file = user.get("tokenFile")
    return Access(
        server=server.rstrip("/"),
        tls=tls,
        namespace=str(context.get("namespace") or "default"),
        token=user.get("token"),
        token_file=None if token_file is None else file.parent / token_file,
        source=str(file),
    )


@dataclass(frozen=True)
class _Config:
    file: Path
    content: Mapping[str, Any]

    def current(self) -> str:
        name = self.content.get("current-context")
        if not name:
            self.refuse("names no current context", "choose one: `kubectl config use-context NAME`")
        return str(name)

    def entry(self, section: str, key: str, name: str) -> Mapping[str, Any]:
        """One named entry of a section."""
        entries = [e for e in self.content.get(section) or () if isinstance(e, dict)]
        named = next((each for each in entries if each.get("name") == name), None)
        if named is None:
            self.refuse(f"{section} holds no {name!r}", "see `kubectl config view`")
        found = named.get(key)
        return found if isinstance(found, dict) else {}

    def text(self, entry: Mapping[str, Any], key: str) -> str | None:
        """What a key names as a file, or holds itself under `KEY-data`, which goes first."""
        data = entry.get(f"{key}-data")
        if data is not None:
            try:
                return base64.b64decode(str(data), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                self.refuse(f"{key}-data is not base64 of text: {error}", "write it anew")
        named = entry.get(key)
        # Relative to the file, as kubectl reads it.
        return None if named is None else read(self.file.parent / str(named), key)

    def identify(self, tls: ssl.SSLContext, user: Mapping[str, Any]) -> None:
        """Give the context the client's certificate, if it has one."""
        certificate, key = (self.text(user, f"client-{part}") for part in ("certificate", "key"))
        if certificate is None or key is None:
            return
        # The library reads these from files only; nobody else may.
        with TemporaryDirectory() as folder:
            both = Path(folder) / "client.pem"
            both.touch(0o600)
            both.write_text(f"{certificate}\n{key}", encoding="utf-8")
            try:
                tls.load_cert_chain(both)
            except (ssl.SSLError, OSError) as error:
                self.refuse(f"the client certificate and its key do not fit: {error}", "renew them")

    def refuse(self, problem: str, next_step: str) -> NoReturn:
        raise ClusterError(problem, where=str(self.file), next_step=next_step)


def _parsed(file: Path) -> Mapping[str, Any]:
    if os.pathsep in str(file):
        raise ClusterError(
            "several files are not merged here",
            where=f"KUBECONFIG={file}",
            next_step="write one: `kubectl config view --flatten --minify > FILE`",
        )
    try:
        content = yaml.safe_load(read(file, "the kubeconfig"))
    except yaml.YAMLError as error:
        raise ClusterError(
            f"is not YAML: {error}", where=str(file), next_step="see `kubectl config view`"
        ) from error
    if not isinstance(content, dict):
        raise ClusterError(
            "is no kubeconfig", where=str(file), next_step="see `kubectl config view`"
        )
    return content
