"""Keys, certificate and files, brought in line."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pipelines.errors import IdentityError
from pipelines.identity import keystore
from pipelines.paths import HomePaths
from pipelines.serving import places
from pipelines.stack import secured
from tests.gateway.identity_rig import settings

NOW = 1_800_000_000.0


def test_what_is_missing_is_made_and_nothing_twice(tmp_path: Path) -> None:
    home, known = HomePaths(tmp_path), settings()
    first = secured.secure(known, home, NOW)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    second = secured.secure(known, home, NOW + 1)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    assert first.filters == second.filters
    assert first.certificate == home.keys / "tls" / "gateway.pem"
    assert first.is_on


def test_envoy_is_given_new_keys(tmp_path: Path) -> None:
    home, known = HomePaths(tmp_path), settings()
    secured.secure(known, home, NOW)
    file = secured.keys_folder(home) / "keys.json"
    before = json.loads(file.read_text())
    ring = keystore.rotate(home.keys, NOW + 1)
    secured.secure(known, home, NOW + 1)
    after = json.loads(file.read_text())
    assert before["version_info"] != after["version_info"]
    for key in ring.keys:
        assert key.kid in str(after)
        assert key.private["d"] not in str(after)


def test_time_renews_keys_and_certificate(tmp_path: Path) -> None:
    home, known = HomePaths(tmp_path), settings(key_days=1)
    first = secured.secure(known, home, NOW)
    assert first.certificate
    pem = first.certificate.read_bytes()
    secured.secure(known, home, NOW + 89 * 86_400)
    assert first.certificate.read_bytes() != pem
    assert len(keystore.read(home.keys).keys) == 2


def test_servers_are_told_whose_tokens_to_take(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    secured.secure(settings(), home, NOW)
    told = secured.server_environment(settings(), home)
    assert Path(told[places.JWKS]).exists()
    assert told[places.ISSUER] == "https://evergreen.localhost"
    assert told[places.AUDIENCE] == "evergreen"


@pytest.mark.parametrize(
    "identity", [{"mode": "off"}, {"jwks_url": "http://127.0.0.1:9/jwks"}], ids=["off", "provider"]
)
def test_without_an_endpoint_there_are_no_keys(identity: dict[str, str], tmp_path: Path) -> None:
    home, known = HomePaths(tmp_path), settings({"tls": {"mode": "off"}}, **identity)
    security = secured.secure(known, home, time.time())
    assert security.certificate is None
    assert not home.keys.exists()
    assert secured.server_environment(known, home) == {}
    assert not secured.has_endpoint(known)


def test_a_damaged_key_stops_it_with_a_way_out(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    secured.secure(settings(), home, NOW)
    (home.keys / keystore.RING).write_text("{}")
    with pytest.raises(IdentityError, match=r"signing-keys\.json"):
        secured.secure(settings(), home, NOW)


@pytest.mark.parametrize(
    ("gateway", "url"),
    [
        ({}, "https://127.0.0.1:8443"),
        ({"host": "0.0.0.0", "port": 443}, "https://localhost:443"),
        ({"host": "::1"}, "https://[::1]:8443"),
        ({"tls": {"mode": "off"}}, "http://127.0.0.1:8443"),
    ],
    ids=range(4),
)
def test_the_address_that_clients_are_told(gateway: dict[str, object], url: str) -> None:
    assert secured.public_url(settings(gateway)) == url


def test_the_endpoint_is_a_verb_of_the_command_line() -> None:
    assert secured.endpoint_command()[1:] == ["-m", "flows", "identity"]
