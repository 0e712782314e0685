"""The gateway as it really runs, with TLS and everything else on, and who gets through it."""

from __future__ import annotations

import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from pipelines.gateway import apply
from pipelines.identity import keystore
from pipelines.identity.keys import SigningKey
from pipelines.paths import HomePaths
from pipelines.ports import free_ports
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.settings import parse
from pipelines.stack import secured
from tests.gateway.gate import MODEL, Gate, table, version_of
from tests.gateway.upstreams import Fleet, Upstream
from tests.identity.forgery import forgeries, good

V3, V4 = "flights@v3", "flights@v4"
INFER = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True)
class Guarded:
    """A gateway with two versions behind it, and the keys of its tokens."""

    gate: Gate
    http: httpx.Client
    home: HomePaths
    champion: Upstream
    challenger: Upstream
    revoked: SigningKey

    def token(self, **changed: Any) -> str:
        now = time.time()
        return good(keystore.read(self.home.keys).signing(now), now, **changed)

    def predict(self, token: str | None, **headers: str) -> httpx.Response:
        given = {} if token is None else {"authorization": f"Bearer {token}"}
        return self.http.post("/flights/predict", json={"rows": []}, headers=given | headers)

    def asked(self) -> int:
        """How many requests have come as far as a model server."""
        servers = (self.champion, self.challenger)
        return sum(len(server.seen) + len(server.calls) for server in servers)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    port, metrics, identity = free_ports(3)
    known = parse(
        {
            "models": {"flights": MODEL},
            "gateway": {"port": port, "metrics_port": metrics},
            "identity": {"port": identity, "tiers": {"gold": {"per_second": 10**6}}},
        }
    )
    # Short, for the sockets in it.
    with tempfile.TemporaryDirectory(prefix="eg-") as short:
        home, fleet = HomePaths(Path(short)), Fleet()
        revoked = keystore.ensure(home.keys, time.time()).keys[0]
        keystore.revoke(home.keys, time.time())
        found = Gate(home.gateway, known, secured.secure(known, home, time.time()))
        authority = home.keys / "tls" / "authority.pem"
        context = ssl.create_default_context(cafile=str(authority))
        try:
            found.start()
            servers = fleet.start(V3), fleet.start(V4)
            found.apply(table(*servers, weights={V3: 50, V4: 50}))
            with httpx.Client(base_url=found.url, verify=context, timeout=20) as http:
                yield Guarded(found, http, home, *servers, revoked)
        finally:
            found.close()
            fleet.close()


def test_a_token_leads_to_the_model_and_none_does_not(guarded: Guarded) -> None:
    assert guarded.predict(guarded.token()).status_code == 200
    before = guarded.asked()
    refused = guarded.predict(None)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert guarded.predict(guarded.token(scope="predict:digits")).status_code == 403
    assert guarded.asked() == before


def test_no_forged_token_comes_as_far_as_a_model(guarded: Guarded) -> None:
    now = time.time()
    forged = forgeries(keystore.read(guarded.home.keys).signing(now), guarded.revoked, now)
    before, statuses = guarded.asked(), Counter[int]()
    paths = ("/flights/predict", "/v2/models/flights/infer", "/flights/v2/models/flights/infer")
    for number, token in enumerate(forged):
        headers = [(b"authorization", b"Bearer " + token.token.encode())]
        try:
            answer = guarded.http.post(paths[number % 3], headers=headers, json={})
        except httpx.LocalProtocolError:
            continue  # no client could send it as a header
        statuses[answer.status_code] += 1
    assert set(statuses) <= {401, 403}
    assert statuses.total() >= 200
    assert guarded.asked() == before


def test_grpc_is_held_to_the_same(guarded: Guarded) -> None:
    authority = (guarded.home.keys / "tls" / "authority.pem").read_bytes()
    address = f"127.0.0.1:{guarded.gate.settings.gateway.port}"
    now = time.time()
    forged = forgeries(keystore.read(guarded.home.keys).signing(now), guarded.revoked, now)
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(authority)) as channel:
        infer = channel.unary_unary(
            INFER, pb.ModelInferRequest.SerializeToString, pb.ModelInferResponse.FromString
        )

        def code(token: str | None) -> grpc.StatusCode:
            told = [("x-model", "flights")]
            if token is not None:
                told.append(("authorization", f"Bearer {token}"))
            try:
                infer(pb.ModelInferRequest(model_name="flights"), metadata=told, timeout=20)
            except grpc.RpcError as error:
                found: grpc.StatusCode = error.code()
                return found
            return grpc.StatusCode.OK

        assert code(guarded.token()) is grpc.StatusCode.OK
        before = guarded.asked()
        assert code(None) is grpc.StatusCode.UNAUTHENTICATED
        assert code(guarded.token(scope="feedback")) is grpc.StatusCode.PERMISSION_DENIED
        seen = Counter(code(token.token) for token in forged)
        assert set(seen) == {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
        assert guarded.asked() == before


def test_a_server_is_told_who_asks_by_the_token_alone(guarded: Guarded) -> None:
    token = guarded.token(sub="ada")
    sent = {"x-evergreen-subject": "root", "X-Evergreen-Tier": "platinum", "x-api-key": "mine"}
    assert guarded.predict(token, **sent).status_code == 200
    seen = max((guarded.champion, guarded.challenger), key=_last).seen[-1]
    assert seen.headers["x-evergreen-subject"] == "ada"
    assert seen.headers["x-evergreen-tier"] == "gold"
    assert seen.headers["authorization"] == f"Bearer {token}"
    assert "x-api-key" not in seen.headers


def _last(server: Upstream) -> int:
    return int(bool(server.seen) and server.seen[-1].headers.get("x-evergreen-subject") == "ada")


def test_a_subject_stays_with_its_version_whatever_its_token(guarded: Guarded) -> None:
    by_subject: dict[str, set[str]] = {}
    for number in range(24):
        subject = f"subject-{number}"
        tokens = [guarded.token(sub=subject, jti=str(again)) for again in range(3)]
        by_subject[subject] = {version_of(guarded.predict(token)) for token in tokens}
    assert all(len(versions) == 1 for versions in by_subject.values())
    assert len(set[str]().union(*by_subject.values())) == 2


def test_a_version_by_name_needs_the_scope_debug(guarded: Guarded) -> None:
    for version in ("v3", "v4"):
        allowed = guarded.token(scope="predict:flights debug")
        named = {"x-model-version": version}
        assert version_of(guarded.predict(allowed, **named)) == f"flights@{version}"
        assert guarded.predict(guarded.token(), **named).status_code == 403


def test_feedback_has_a_scope_of_its_own(guarded: Guarded) -> None:
    for scope, status in (("feedback", 200), ("predict:flights", 403)):
        headers = {"authorization": f"Bearer {guarded.token(scope=scope)}"}
        answer = guarded.http.post("/flights/feedback", json={}, headers=headers)
        assert answer.status_code == status


def test_the_way_to_the_token_endpoint_needs_no_token(guarded: Guarded) -> None:
    """Nobody listens there in this test: the gateway has tried, and says so."""
    for path in ("/token", "/jwks.json", "/.well-known/openid-configuration"):
        assert guarded.http.post(path).status_code == 503
    assert guarded.http.get("/healthz").status_code == 200


def test_keys_and_routes_change_together_under_load(guarded: Guarded) -> None:
    statuses = Counter[int]()
    servers = guarded.champion, guarded.challenger
    ring = keystore.rotate(guarded.home.keys, time.time(), lead_seconds=1.0)
    secured.secure(guarded.gate.settings, guarded.home, time.time())
    signers, weight = set(), 50
    while len(signers) < 2 or time.time() < ring.keys[-1].signs_from + 1:
        assert time.time() < ring.keys[-1].signs_from + 60
        weight = 51 if weight == 49 else 49
        apply(
            guarded.home.gateway,
            table(*servers, weights={V3: weight, V4: 100 - weight}),
            time.time(),
        )
        for number in range(20):
            signer = keystore.read(guarded.home.keys).signing(time.time())
            signers.add(signer.kid)
            token = good(signer, time.time(), sub=f"load-{number}")
            statuses[guarded.predict(token).status_code] += 1
    assert set(statuses) == {200}
    assert len(signers) == 2
