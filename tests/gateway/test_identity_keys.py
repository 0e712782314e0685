"""Keys of a provider: fetched by Envoy through a cluster, over TLS, from a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.errors import IdentityError, SettingsError
from pipelines.gateway import identity_filters, identity_keys
from pipelines.gateway.security import Security
from pipelines.ports import free_port
from tests.gateway.identity_rig import MODEL, Rig, bearer, running, settings
from tests.identity.forgery import claims
from tests.waiting import until

PREDICT = f"/{MODEL}/predict"
KEY = RSAKey.generate_key(2048, {"kid": "provider-1", "use": "sig", "alg": "RS256"}, private=True)


@dataclass(frozen=True)
class Provider:
    """Where a provider is, and the authority of its certificate."""

    url: str
    authority: Path
    port: int
    folder: Path

    def security(self, **identity: Any) -> Security:
        told = {"jwks_url": self.url, "jwks_ca": str(self.authority), **identity}
        return identity_filters.security(settings(**told), Path("unused"), None, None)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    folder, port = tmp_path_factory.mktemp("provider"), free_port()
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    leaf.private_key_and_cert_chain_pem.write_to_path(str(folder / "provider.pem"))
    url = f"https://127.0.0.1:{port}/jwks"
    return Provider(url, folder / "authority.pem", port, folder)


@contextmanager
def _serving(provider: Provider) -> Iterator[list[str]]:
    asked: list[str] = []

    async def jwks(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse({"keys": [KEY.as_dict(private=False)]})

    config = uvicorn.Config(
        Starlette(routes=[Route("/jwks", jwks)]),
        port=provider.port,
        log_level="warning",
        ssl_certfile=provider.folder / "provider.pem",
        ssl_keyfile=str(provider.folder / "provider.pem"),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield asked
    finally:
        server.should_exit = True
        thread.join()


def _token(**changed: Any) -> str:
    """As providers make them: RS256, of the type JWT, and without a tier."""
    content = claims(time.time(), tier=None, **changed)
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": "provider-1"}, content, KEY)


def _until_accepted(rig: Rig) -> None:
    until(lambda: rig.ask(PREDICT, _token()).status_code == 200, every=0.1)


def test_tokens_of_a_provider_are_taken_by_its_keys(provider: Provider, tmp_path: Path) -> None:
    with _serving(provider) as asked, running(provider.security(), tmp_path) as rig:
        _until_accepted(rig)
        for changed, status in (
            ({}, 200),
            ({"scope": "predict:digits"}, 403),
            ({"aud": "other"}, 403),
            ({"iss": "https://login.example.org"}, 401),
            ({"exp": int(time.time()) - 60}, 401),
            ({"sub": None}, 403),
        ):
            assert rig.ask(PREDICT, _token(**changed)).status_code == status, changed
        stranger = RSAKey.generate_key(2048, private=True)
        header = {"alg": "RS256", "typ": "JWT", "kid": "provider-1"}
        forged = jwt.encode(header, claims(time.time()), stranger)
        assert rig.ask(PREDICT, forged).status_code == 401
        # Fetched, and not for each request.
        assert 1 <= len(asked) <= 3


@pytest.mark.slow
def test_a_provider_that_is_away_lets_nobody_in_until_it_is_back(
    provider: Provider, tmp_path: Path
) -> None:
    with running(provider.security(), tmp_path) as rig, rig.client() as http:
        assert http.post(PREDICT, headers=bearer(_token())).status_code in (401, 503)
        with _serving(provider):
            _until_accepted(rig)
        # Gone again: what is known goes on.
        assert http.post(PREDICT, headers=bearer(_token())).status_code == 200


@pytest.mark.slow
def test_a_provider_with_another_certificate_is_not_believed(
    provider: Provider, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    security = provider.security(jwks_ca=str(stranger))
    with _serving(provider) as asked, running(security, tmp_path / "envoy") as rig:
        time.sleep(1.5)
        assert rig.ask(PREDICT, _token()).status_code != 200
        assert asked == []
        stats = httpx.get(f"{rig.admin}/stats?filter=fail_verify").text
        assert "fail_verify_error: 0" not in stats


def test_an_authority_that_is_not_there_is_said(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match=r"nothing\.pem") as caught:
        provider.security(jwks_ca=str(tmp_path / "nothing.pem"))
    assert "jwks_ca" in caught.value.next_step


def test_a_name_is_checked_as_it_stands_in_the_url() -> None:
    cluster = identity_keys.provider_cluster(
        settings(jwks_url="https://login.example.org/jwks").identity
    )
    tls = cluster["transport_socket"]["typed_config"]
    assert tls["sni"] == "login.example.org"
    [dns, address] = tls["common_tls_context"]["validation_context"][
        "match_typed_subject_alt_names"
    ]
    assert dns["matcher"] == address["matcher"] == {"exact": "login.example.org"}
    plain = identity_keys.provider_cluster(settings(jwks_url="http://localhost:80/x").identity)
    assert "transport_socket" not in plain


@pytest.mark.parametrize(
    "url", ["http://login.example.org/jwks", "ftp://login.example.org", "jwks", "", "https://"]
)
def test_keys_are_fetched_over_tls_or_not_at_all(url: str) -> None:
    with pytest.raises(SettingsError, match="jwks_url"):
        settings(jwks_url=url)
