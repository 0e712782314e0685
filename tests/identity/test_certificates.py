"""Certificates: made, renewed, refused, and followed by a real Envoy while it answers."""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography import x509

from pipelines.errors import IdentityError
from pipelines.gateway.security import Security
from pipelines.identity import certificates
from pipelines.identity.certificates import LEAF_DAYS, RENEW_DAYS, Certificate
from pipelines.settings import TlsSettings
from tests.gateway.identity_rig import running, tls_of
from tests.waiting import until

NOW = time.time()
DAY = 86_400.0


def _local(folder: Path, now: float = NOW, *names: str) -> Certificate:
    found = certificates.find(TlsSettings(), folder, names, now)
    assert found is not None
    return found


def _leaf(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.chain.read_bytes())


def test_a_certificate_is_made_once_and_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    first = _local(tmp_path / "tls")
    serial = _leaf(first).serial_number
    assert _leaf(_local(tmp_path / "tls", NOW + 10)).serial_number == serial
    assert first.key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls" / "authority-key.pem").stat().st_mode & 0o777 == 0o600
    certificates.require_usable(first, NOW)


def test_it_holds_for_this_machine_and_the_names_that_are_asked_for(tmp_path: Path) -> None:
    leaf = _leaf(_local(tmp_path, NOW, "gateway.example.org"))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    held = {str(name.value) for name in names}
    assert held == {"localhost", "127.0.0.1", "::1", "gateway.example.org"}


def test_it_is_renewed_in_time_under_the_same_authority(tmp_path: Path) -> None:
    first = _local(tmp_path)
    serial, authority = _leaf(first).serial_number, first.authority
    assert authority is not None
    known = authority.read_bytes()
    assert _leaf(_local(tmp_path, NOW + (LEAF_DAYS - RENEW_DAYS - 1) * DAY)).serial_number == serial
    later = NOW + (LEAF_DAYS - RENEW_DAYS + 1) * DAY
    renewed = _local(tmp_path, later)
    assert _leaf(renewed).serial_number != serial
    certificates.require_usable(renewed, later)
    assert authority.read_bytes() == known


@pytest.mark.parametrize("damage", ["a name", "half", "empty", "other key", "no authority"])
def test_one_that_will_not_do_gives_way_to_a_new_one(damage: str, tmp_path: Path) -> None:
    first = _local(tmp_path)
    serial = _leaf(first).serial_number
    text = first.chain.read_text()
    if damage == "half":
        first.chain.write_text(text[: len(text) // 2])
    elif damage == "empty":
        first.chain.write_text("")
    elif damage == "other key":
        other = trustme.CA().issue_cert("localhost")
        chain = b"".join(part.bytes() for part in other.cert_chain_pems).decode()
        first.chain.write_text(text[: text.index("-----BEGIN CERT")] + chain)
    elif damage == "no authority":
        assert first.authority
        first.authority.unlink()
    names = ("new.example.org",) if damage == "a name" else ()
    second = _local(tmp_path, NOW, *names)
    assert _leaf(second).serial_number != serial
    certificates.require_usable(second, NOW)


def test_an_authority_that_is_damaged_is_said(tmp_path: Path) -> None:
    first = _local(tmp_path)
    first.chain.unlink()
    (tmp_path / "authority-key.pem").write_text("nothing")
    with pytest.raises(IdentityError, match=r"authority\.pem") as caught:
        _local(tmp_path)
    assert "folder" in caught.value.next_step


def test_without_tls_there_is_none(tmp_path: Path) -> None:
    assert certificates.find(TlsSettings(mode="off"), tmp_path, (), NOW) is None
    assert list(tmp_path.iterdir()) == []


def _files(folder: Path, **times: datetime) -> TlsSettings:
    leaf = trustme.CA().issue_cert("gateway.example.org", **times)
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    return TlsSettings(mode="files", certificate=chain, key=key)


def test_files_of_the_place_are_used_as_they_are(tmp_path: Path) -> None:
    tls = _files(tmp_path)
    found = certificates.find(tls, tmp_path / "none", (), NOW)
    assert found == Certificate(tmp_path / "chain.pem", tmp_path / "key.pem")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("no certificate", r"chain\.pem: the file is missing"),
        ("no key", r"key\.pem: the file is missing"),
        ("other key", "not a certificate with its private key"),
        ("no PEM", "not a certificate with its private key"),
        ("expired", "in force from"),
        ("not yet", "in force from"),
        ("one named", "not both named"),
    ],
)
def test_files_that_cannot_be_used_are_said(fault: str, said: str, tmp_path: Path) -> None:
    at = datetime.fromtimestamp(NOW, UTC)
    times = {
        "expired": {"not_before": at - timedelta(9), "not_after": at - timedelta(1)},
        "not yet": {"not_before": at + timedelta(1), "not_after": at + timedelta(9)},
    }
    tls = _files(tmp_path, **times.get(fault, {}))
    if fault == "no certificate":
        (tmp_path / "chain.pem").unlink()
    elif fault == "no key":
        (tmp_path / "key.pem").unlink()
    elif fault == "other key":
        other = trustme.CA().issue_cert("gateway.example.org")
        (tmp_path / "key.pem").write_bytes(other.private_key_pem.bytes())
    elif fault == "no PEM":
        (tmp_path / "chain.pem").write_text("nothing of the kind")
    elif fault == "one named":
        tls = TlsSettings(mode="files", certificate=tmp_path / "chain.pem")
    with pytest.raises(IdentityError, match=said) as caught:
        certificates.find(tls, tmp_path / "none", (), NOW)
    assert caught.value.next_step


def _trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate.authority))


def _served(url: str, context: ssl.SSLContext) -> int:
    """The serial number of the certificate that a new connection is shown."""
    port = httpx.URL(url).port
    assert port
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    assert httpx.get(f"{url}/healthz", verify=context).status_code == 200
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_envoy_shows_a_renewed_certificate_and_drops_nobody(tmp_path: Path) -> None:
    """The certificate is old enough to be renewed, and is, while clients ask."""
    begun = NOW - (LEAF_DAYS - RENEW_DAYS + 1) * DAY
    first = _local(tmp_path / "tls", begun)
    old, context = _leaf(first).serial_number, _trusting(first)
    tls = tls_of(tmp_path / "sds", first.chain, first.key)
    stop, statuses = threading.Event(), Counter[int]()
    with running(Security.off(), tmp_path / "envoy", tls) as rig:
        assert _served(rig.url, context) == old

        def load() -> None:
            with rig.client(context) as kept:
                while not stop.is_set():
                    statuses[kept.get("/healthz").status_code] += 1
                    statuses[httpx.get(f"{rig.url}/healthz", verify=context).status_code] += 1

        thread = threading.Thread(target=load)
        thread.start()
        try:
            renewed = _leaf(_local(tmp_path / "tls", NOW)).serial_number
            until(lambda: _served(rig.url, context) == renewed)
        finally:
            stop.set()
            thread.join()
    assert renewed != old
    assert set(statuses) == {200}
