"""The certificate of the gateway: made for development, or named by the place it runs at.

The one that is made here is one file with the certificate and its key, because they must change
together: two files could be read as halves of two pairs. Envoy watches the folder for its rename.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509

from pipelines.errors import IdentityError
from pipelines.identity.private import locked, read_private, write_private
from pipelines.paths import in_project
from pipelines.settings import TlsSettings

LEAF_DAYS = 90
RENEW_DAYS = 30
_PAIR = "gateway.pem"
_AUTHORITY = "authority.pem"
_AUTHORITY_KEY = "authority-key.pem"


@dataclass(frozen=True)
class Certificate:
    """Where a certificate is.

    Attributes:
        chain: the certificate, and those between it and the authority.
        key: its private key; may be the same file.
        authority: what a client has to trust; None if that is not ours to say.
    """

    chain: Path
    key: Path
    authority: Path | None = None


def find(tls: TlsSettings, folder: Path, names: Iterable[str], now: float) -> Certificate | None:
    """The certificate that the settings ask for; one for development is made or renewed.

    Args:
        tls: which.
        folder: of those that are made here.
        names: host names and addresses that it should hold for.
        now: unix seconds.

    Returns:
        None with `tls.mode: off`.

    Raises:
        IdentityError: a file is missing, unreadable, expired, or the two do not belong together.
    """
    if tls.mode == "off":
        return None
    if tls.mode == "local":
        return ensure_local(folder, names, now)
    if tls.certificate is None or tls.key is None:
        raise IdentityError(
            "tls.mode is `files`, and they are not both named",
            where="params.yaml: gateway.tls",
            next_step="set tls.certificate and tls.key, or tls.mode: local",
        )
    certificate = Certificate(in_project(tls.certificate), in_project(tls.key))
    require_usable(certificate, now)
    return certificate


def ensure_local(folder: Path, names: Iterable[str], now: float) -> Certificate:
    """A certificate for development, made if there is none, it ends soon, or lacks a name."""
    wanted = frozenset(names) | {"localhost", "127.0.0.1", "::1"}
    certificate = Certificate(folder / _PAIR, folder / _PAIR, folder / _AUTHORITY)
    with locked(folder):
        if not _is_fresh(certificate, wanted, now):
            _issue(folder, wanted, now)
    return certificate


def require_usable(certificate: Certificate, now: float) -> None:
    """Raise IdentityError unless both files are there, belong together and are in force."""
    for path in (certificate.chain, certificate.key):
        if not path.is_file():
            raise _unusable("the file is missing", path)
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate.chain, certificate.key
        )
        leaf = x509.load_pem_x509_certificate(certificate.chain.read_bytes())
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _unusable(
            f"not a certificate with its private key: {error}", certificate.chain
        ) from error
    at = datetime.fromtimestamp(now, UTC)
    if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        raise _unusable(
            f"in force from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC only",
            certificate.chain,
        )


def _is_fresh(certificate: Certificate, names: frozenset[str], now: float) -> bool:
    try:
        require_usable(certificate, now)
        leaf = x509.load_pem_x509_certificate(certificate.chain.read_bytes())
        held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (IdentityError, x509.ExtensionNotFound):
        return False  # whatever is there gives way to a new one
    at = datetime.fromtimestamp(now, UTC)
    covered = {str(name.value) for name in held}
    is_young = at < leaf.not_valid_after_utc - timedelta(RENEW_DAYS)
    has_authority = certificate.authority is not None and certificate.authority.exists()
    return is_young and names <= covered and has_authority


def _issue(folder: Path, names: frozenset[str], now: float) -> None:
    authority = _authority(folder)
    at = datetime.fromtimestamp(now, UTC)
    leaf = authority.issue_cert(
        *sorted(names),
        # An hour back, for a client whose clock is behind.
        not_before=at - timedelta(hours=1),
        not_after=at + timedelta(LEAF_DAYS),
    )
    write_private(leaf.private_key_and_cert_chain_pem.bytes(), folder / _PAIR)


def _authority(folder: Path) -> trustme.CA:
    """The authority that clients were told to trust: the same for every renewal."""
    known, key = folder / _AUTHORITY, folder / _AUTHORITY_KEY
    if known.exists() and key.exists():
        try:
            return trustme.CA.from_pem(known.read_bytes(), read_private(key))
        except ValueError as error:
            raise _unusable(f"not an authority with its private key: {error}", known) from error
    authority = trustme.CA(organization_name="Evergreen, for development only")
    write_private(authority.private_key_pem.bytes(), key)
    write_private(authority.cert_pem.bytes(), known)
    known.chmod(0o644)  # clients read it
    return authority


def _unusable(problem: str, path: Path) -> IdentityError:
    return IdentityError(
        problem,
        where=str(path),
        next_step="mend the file, or remove its folder and set gateway.tls.mode: local to have "
        "one made for development",
    )
