"""The token endpoint, over its real protocol."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.applications import Starlette

from pipelines.errors import IdentityError
from pipelines.identity import clients, endpoint, keystore
from pipelines.identity.authentication import Authentication
from pipelines.identity.clients import Client, api_key
from pipelines.identity.endpoint import Endpoint, application
from pipelines.identity.guessing import FREE_FAILURES
from pipelines.identity.tokens import Terms
from pipelines.ports import free_port
from pipelines.state import store
from tests.waiting import until

TERMS = Terms("https://evergreen.localhost", "evergreen", 600.0)
FORM = "application/x-www-form-urlencoded"


@dataclass
class Rig:
    """The application, and what is behind it."""

    http: httpx.Client
    engine: sa.Engine
    keys: Path
    secret: str
    upkeep: list[float] = field(default_factory=list)
    fault: IdentityError | None = None

    def kept_up(self) -> None:
        self.upkeep.append(time.time())
        if self.fault is not None:
            raise self.fault

    def ask(self, secret: str | None = None, name: str = "shop", **form: str) -> dict[str, object]:
        fields = {
            "grant_type": "client_credentials",
            "client_id": name,
            "client_secret": self.secret if secret is None else secret,
        }
        response = self.http.post("/token", data=fields | form)
        return {"status": response.status_code, **response.json()}

    def claims(self, token: str) -> dict[str, object]:
        jwks = self.http.get("/jwks.json").json()
        return dict(jwt.decode(token, KeySet.import_key_set(jwks)).claims)


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(endpoint, "UPKEEP_SECONDS", 0.05)
    engine, keys = store.connect(tmp_path / "state.db"), tmp_path / "keys"
    keystore.ensure(keys, time.time())
    shop = Client("shop", ("feedback", "predict:flights"), "gold", "", None, has_api_key=True)
    secret = clients.add(engine, shop, ["gold"])
    port, made = free_port(), list[Rig]()
    app = application(
        Endpoint(
            Authentication(engine, time.time, time.monotonic),
            TERMS,
            lambda: keystore.read(keys),
            "https://127.0.0.1:8443",
            lambda: made[0].kept_up(),  # noqa: PLW0108  (it is made below)
            takes_api_keys=True,
        )
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
        made.append(Rig(http, engine, keys, secret))
        with _serving(app, port):
            yield made[0]


@contextmanager
def _serving(app: Starlette, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()


def test_a_client_gets_a_token_by_either_way_to_authenticate(rig: Rig) -> None:
    posted = rig.ask(scope="predict:flights")
    assert posted["status"] == 200
    assert posted["token_type"] == "Bearer"
    assert posted["expires_in"] == 600
    told = rig.claims(str(posted["access_token"]))
    assert told["sub"] == "shop"
    assert told["scope"] == "predict:flights"

    basic = rig.http.post(
        "/token", data={"grant_type": "client_credentials"}, auth=("shop", rig.secret)
    )
    assert basic.status_code == 200
    assert basic.json()["scope"] == "feedback predict:flights"
    assert basic.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
        ({"scope": "admin"}, 400, "invalid_scope"),
        ({"scope": "predict:digits"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"client_id": "' OR 1=1 --"}, 401, "invalid_client"),
    ],
)
def test_whoever_asks_wrongly_is_told_by_the_protocol(
    rig: Rig, form: dict[str, str], status: int, error: str
) -> None:
    answer = rig.ask(**form)
    assert (answer["status"], answer["error"]) == (status, error)
    assert "access_token" not in answer


def test_an_unknown_client_and_a_wrong_secret_are_told_the_same(rig: Rig) -> None:
    assert rig.ask(name="nobody") == rig.ask(secret="wrong")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"\xff\xfe", FORM),
        (b"grant_type=client_credentials&grant_type=client_credentials", FORM),
        (b"&".join(b"a%d=1" % number for number in range(40)), FORM),
        (b"x" * 20_000, FORM),
        (b'{"grant_type": "client_credentials"}', "application/json"),
    ],
    ids=range(6),
)
def test_bodies_that_are_no_such_form_are_refused(rig: Rig, body: bytes, content_type: str) -> None:
    response = rig.http.post("/token", content=body, headers={"content-type": content_type})
    assert response.status_code in (400, 401, 413)
    assert response.json()["error"]


@pytest.mark.parametrize(
    "given", ["Basic", "Basic !!!", "Basic c2hvcA==", "Bearer x", "Basic //8="]
)
def test_credentials_that_cannot_be_read_are_none(rig: Rig, given: str) -> None:
    response = rig.http.post(
        "/token", data={"grant_type": "client_credentials"}, headers={"authorization": given}
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Basic")


def test_one_way_to_authenticate_at_a_time(rig: Rig) -> None:
    """A wrong password is not made good by a right one elsewhere in the request."""
    wrong = base64.b64encode(b"shop:wrong").decode()
    response = rig.http.post(
        "/token",
        data={
            "grant_type": "client_credentials",
            "client_id": "shop",
            "client_secret": rig.secret,
        },
        headers={"authorization": f"Basic {wrong}"},
    )
    assert response.status_code == 401


def test_a_client_that_guesses_is_slowed_down(rig: Rig) -> None:
    statuses = [rig.ask(secret=f"guess {number}")["status"] for number in range(30)]
    assert statuses[:FREE_FAILURES] == [401] * FREE_FAILURES
    assert statuses.count(401) <= FREE_FAILURES + 3  # a second passes while they are counted
    refused = rig.http.post(
        "/token",
        data={
            "grant_type": "client_credentials",
            "client_id": "shop",
            "client_secret": rig.secret,
        },
    )
    assert refused.status_code == 429
    assert refused.json()["error"] == "slow_down"
    assert int(refused.headers["retry-after"]) >= 1
    # Somebody else, behind the gateway, is not.
    elsewhere = rig.http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=("shop", rig.secret),
        headers={"x-forwarded-for": "203.0.113.9, 198.51.100.7"},
    )
    assert elsewhere.status_code == 200


def test_an_api_key_becomes_a_token(rig: Rig) -> None:
    key = api_key("shop", rig.secret)
    first = rig.http.post("/api-key/flights/predict", headers={"x-api-key": key})
    assert first.status_code == 200
    told = rig.claims(first.headers["authorization"].removeprefix("Bearer "))
    assert told["scope"] == "feedback predict:flights"
    again = rig.http.get("/api-key/flights/v2", headers={"x-api-key": key})
    assert again.headers["authorization"] == first.headers["authorization"]

    for wrong in ("", "eg.shop.wrong", "eg.nobody.x", rig.secret, "Bearer x", key[:-1]):
        response = rig.http.post("/api-key/flights/predict", headers={"x-api-key": wrong})
        assert response.status_code in (401, 429)
        assert "authorization" not in response.headers


def test_a_client_without_an_api_key_has_none(rig: Rig) -> None:
    plain = Client("plain", ("feedback",), "gold", "")
    secret = clients.add(rig.engine, plain, ["gold"])
    headers = {"x-api-key": api_key("plain", secret)}
    assert rig.http.post("/api-key/x", headers=headers).status_code == 401


def test_the_token_of_an_api_key_changes_with_the_keys(rig: Rig) -> None:
    headers = {"x-api-key": api_key("shop", rig.secret)}
    first = rig.http.get("/api-key/x", headers=headers).headers["authorization"]
    keystore.revoke(rig.keys, time.time())
    second = rig.http.get("/api-key/x", headers=headers).headers["authorization"]
    assert first != second
    assert rig.claims(second.removeprefix("Bearer "))["sub"] == "shop"


def test_guessed_api_keys_are_slowed_down_too(rig: Rig) -> None:
    statuses = [
        rig.http.post("/api-key/x", headers={"x-api-key": f"eg.shop.{number}"}).status_code
        for number in range(20)
    ]
    assert 429 in statuses
    assert set(statuses) <= {401, 429}


def test_the_metadata_lead_to_the_gateway(rig: Rig) -> None:
    for name in ("oauth-authorization-server", "openid-configuration"):
        told = rig.http.get(f"/.well-known/{name}").json()
        assert told["issuer"] == TERMS.issuer
        assert told["token_endpoint"] == "https://127.0.0.1:8443/token"
        assert told["jwks_uri"] == "https://127.0.0.1:8443/jwks.json"
        assert told["grant_types_supported"] == ["client_credentials"]


def test_only_public_keys_are_told(rig: Rig) -> None:
    for key in rig.http.get("/jwks.json").json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "use", "alg", "kid"}


def test_upkeep_that_fails_shows_and_tokens_go_on(rig: Rig) -> None:
    assert rig.http.get("/livez").status_code == 200
    until(lambda: rig.http.get("/readyz").status_code == 200)
    rig.fault = IdentityError("a fault", where="here", next_step="mend it")
    until(lambda: rig.http.get("/readyz").status_code == 503)
    assert "mend it" in rig.http.get("/readyz").json()["problem"]
    assert rig.ask()["status"] == 200
    rig.fault = None
    until(lambda: rig.http.get("/readyz").status_code == 200)
    assert len(rig.upkeep) >= 3


def test_a_store_that_fails_is_told_as_such(rig: Rig) -> None:
    with rig.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE clients RENAME TO elsewhere"))
    answer = rig.ask()
    assert (answer["status"], answer["error"]) == (503, "temporarily_unavailable")
    headers = {"x-api-key": api_key("shop", rig.secret)}
    assert rig.http.get("/api-key/x", headers=headers).status_code == 503


def test_many_ask_at_once_while_the_keys_change(rig: Rig) -> None:
    answers: list[dict[str, object]] = []

    def ask() -> None:
        answers.extend(rig.ask() for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    keystore.rotate(rig.keys, time.time(), lead_seconds=0.05)
    for thread in threads:
        thread.join()
    assert [answer["status"] for answer in answers] == [200] * 20
    subjects = {rig.claims(str(answer["access_token"]))["sub"] for answer in answers}
    assert subjects == {"shop"}
