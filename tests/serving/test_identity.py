"""The server asks for the token itself: by its function, at its doors, and as a real process."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from pipelines.errors import IdentityError, RequestError
from pipelines.identity import keystore
from pipelines.identity.keys import Ring, SigningKey
from pipelines.packaging.server import Server, running
from pipelines.serving import identity, places
from pipelines.serving.asgi import Message, Receive, Send, respond
from pipelines.serving.front import Doors
from pipelines.serving.identity import OPEN_PATHS, Verifier
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.serving.inference_protocol.grpc_door import GrpcDoor
from tests.identity.forgery import AUDIENCE, ISSUER, forgeries, good
from tests.packaged import Packaged
from tests.serving.doors import answering, ask
from tests.serving.inference_protocol.test_grpc_door import method, request
from tests.serving.test_front_alone import first, nothing

Headers = list[tuple[bytes, bytes]]


class Clock:
    """Unix seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return keystore.ensure(tmp_path / "keys", time.time())


def _verifier(folder: Path, clock: Callable[[], float] = time.time) -> Verifier:
    path = folder / "keys" / keystore.JWKS
    return Verifier("flights", path, ISSUER, AUDIENCE, clock)


def _bearer(token: str, *more: tuple[bytes, bytes]) -> Headers:
    return [(b"host", b"flights"), (b"authorization", b"Bearer " + token.encode()), *more]


def _status(verifier: Verifier, path: str, headers: Headers) -> int:
    try:
        verifier.require(path, headers)
    except RequestError as error:
        assert error.next_step
        return int(error.status)
    return 200


def test_no_forged_token_is_accepted(ring: Ring, tmp_path: Path) -> None:
    revoked, key = ring.keys[0], keystore.revoke(tmp_path / "keys", time.time()).keys[0]
    verifier, forged = _verifier(tmp_path), forgeries(key, revoked, time.time())
    accepted = [
        token.what
        for token in forged
        # Twice: what was refused must not be remembered as good.
        for _ in range(2)
        if _status(verifier, "/predict", _bearer(token.token)) not in (401, 403)
    ]
    assert accepted == []
    assert len(forged) >= 200
    assert _status(verifier, "/predict", _bearer(good(key, time.time()))) == 200


def test_a_refusal_repeats_nothing_of_the_token(ring: Ring, tmp_path: Path) -> None:
    verifier = _verifier(tmp_path)
    for token in forgeries(ring.keys[0], ring.keys[0], time.time()):
        try:
            verifier.require("/predict", _bearer(token.token))
        except RequestError as error:
            assert len(token.token) < 20 or token.token not in str(error)


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/predict", "predict:flights", 200),
        ("/predict", "predict:*", 200),
        ("/predict", ["predict:flights", "feedback"], 200),
        ("/predict", "feedback debug admin", 403),
        ("/v2/models/flights/infer", "predict:flights", 200),
        ("/v2/models/flights", "feedback", 403),
        ("/v2", "feedback", 403),
        ("/feedback", "feedback", 200),
        ("/feedback", "predict:*", 403),
        ("/docs.json", "feedback", 200),
        ("/anything", "feedback", 200),
    ],
)
def test_scopes_open_their_paths(
    ring: Ring, tmp_path: Path, path: str, scope: Any, status: int
) -> None:
    token = good(ring.keys[0], time.time(), scope=scope)
    assert _status(_verifier(tmp_path), path, _bearer(token)) == status


def test_only_probes_go_without_a_token(ring: Ring, tmp_path: Path) -> None:
    verifier = _verifier(tmp_path)
    for path in OPEN_PATHS:
        assert _status(verifier, path, []) == 200
    for path in ("/v2/models/flights/ready", "/v2/models/flights/versions/v3/ready"):
        assert _status(verifier, path, []) == 200
    closed = [
        *(
            "/v2/models/flights",
            "/v2/models/flights/infer",
            "/v2/models/ready",
            "/x/models/a/ready",
        ),
        *("/v2/models/flights/versions/v3/infer", "/v2/models/a/b/c/d/ready"),
    ]
    closed += ["/", "/predict", "/feedback", "/v2", "/docs.json", "/livez/", "/x", "", "/v2/health"]
    for path in closed:
        assert _status(verifier, path, []) == 401, path


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Basic c2hvcDpzZWNyZXQ=")],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer " + b"x" * 100_000)],
        [(b"authorization", b"Bearer \xff\xfe")],
        [(b"Authorization", b"Bearer x")],
        [(b"x-authorization", b"Bearer x")],
    ],
    ids=range(7),
)
def test_what_is_no_bearer_token_is_refused(ring: Ring, tmp_path: Path, headers: Headers) -> None:
    assert _status(_verifier(tmp_path), "/predict", headers) == 401


def test_of_two_tokens_neither_counts(ring: Ring, tmp_path: Path) -> None:
    token = good(ring.keys[0], time.time())
    twice = _bearer(token, (b"authorization", b"Bearer " + token.encode()))
    assert _status(_verifier(tmp_path), "/predict", twice) == 401


def test_asking_for_a_version_needs_the_scope_debug(ring: Ring, tmp_path: Path) -> None:
    verifier, key, now = _verifier(tmp_path), ring.keys[0], time.time()
    named = (b"x-model-version", b"v3")
    assert _status(verifier, "/predict", _bearer(good(key, now), named)) == 403
    token = good(key, now, scope="predict:flights debug")
    assert _status(verifier, "/predict", _bearer(token, named)) == 200


def test_a_remembered_token_ends_when_it_says(ring: Ring, tmp_path: Path) -> None:
    clock = Clock()
    verifier, token = _verifier(tmp_path, clock), good(ring.keys[0], clock.now)
    assert _status(verifier, "/predict", _bearer(token)) == 200
    clock.now += 609
    assert _status(verifier, "/predict", _bearer(token)) == 200
    clock.now += 3
    for _ in range(2):
        assert _status(verifier, "/predict", _bearer(token)) == 401


def test_a_token_is_verified_once(
    ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier, token, calls = _verifier(tmp_path), good(ring.keys[0], time.time()), []
    decode = identity.jwt.decode

    def counted(*given: Any, **named: Any) -> Any:
        calls.append(given)
        return decode(*given, **named)

    monkeypatch.setattr(identity.jwt, "decode", counted)
    for _ in range(100):
        assert _status(verifier, "/predict", _bearer(token)) == 200
    assert len(calls) == 1


def test_memory_is_bounded_and_nobody_is_lost_by_it(
    ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_REMEMBERED", 10)
    verifier, key, now = _verifier(tmp_path), ring.keys[0], time.time()
    tokens = [good(key, now, jti=str(number)) for number in range(25)]
    for token in tokens * 2:
        assert _status(verifier, "/predict", _bearer(token)) == 200
        assert len(verifier._known) <= 10


def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_LOOK_SECONDS", 0.0)


def test_new_keys_are_taken_and_old_ones_dropped(
    ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _look_at_once(monkeypatch)
    verifier, folder, now = _verifier(tmp_path), tmp_path / "keys", time.time()
    old = good(ring.keys[0], now)
    assert _status(verifier, "/predict", _bearer(old)) == 200
    new = good(keystore.rotate(folder, now).keys[1], now)
    assert _status(verifier, "/predict", _bearer(old)) == 200
    assert _status(verifier, "/predict", _bearer(new)) == 200
    keystore.revoke(folder, now)
    assert _status(verifier, "/predict", _bearer(old)) == 401
    assert _status(verifier, "/predict", _bearer(new)) == 401


@pytest.mark.parametrize("damage", ["gone", "half", "symmetric"])
def test_keys_that_cannot_be_read_let_nobody_in_until_they_can(
    ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    _look_at_once(monkeypatch)
    verifier, path = _verifier(tmp_path), tmp_path / "keys" / keystore.JWKS
    token, content = good(ring.keys[0], time.time()), path.read_text()
    assert _status(verifier, "/predict", _bearer(token)) == 200
    if damage == "gone":
        path.unlink()
    else:
        text = content[:30] if damage == "half" else '{"keys": [{"kty": "oct", "k": "AA"}]}'
        path.write_text(text)
    assert _status(verifier, "/predict", _bearer(token)) == 503
    assert _status(verifier, "/livez", []) == 200
    path.write_text(content)
    assert _status(verifier, "/predict", _bearer(token)) == 200


def _environment(folder: Path, **changed: str) -> dict[str, str]:
    known = {
        places.JWKS: str(folder / "keys" / keystore.JWKS),
        places.ISSUER: ISSUER,
        places.AUDIENCE: AUDIENCE,
    }
    return known | changed


def test_without_keys_nobody_is_asked() -> None:
    assert Verifier.of_environment("flights", {}) is None
    assert Verifier.of_environment("flights", {places.ISSUER: ISSUER}) is None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({places.ISSUER: ""}, places.ISSUER),
        ({places.AUDIENCE: ""}, places.AUDIENCE),
        ({places.JWKS: "nowhere.json"}, "nowhere.json"),
    ],
    ids=range(3),
)
def test_half_a_configuration_stops_the_server(
    ring: Ring, tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    with pytest.raises(IdentityError, match=named) as caught:
        Verifier.of_environment("flights", _environment(tmp_path, **changed))
    assert caught.value.next_step


def test_a_key_that_is_none_stops_the_server(ring: Ring, tmp_path: Path) -> None:
    path = tmp_path / "keys" / keystore.JWKS
    path.write_text('{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}')
    with pytest.raises(IdentityError, match="cannot be used"):
        Verifier.of_environment("flights", _environment(tmp_path))


def test_the_front_refuses_before_a_door_is_opened(ring: Ring, tmp_path: Path) -> None:
    async def door(scope: Message, receive: Receive, send: Send) -> None:
        await respond(send, 200, [], b"in")

    doors = Doors()
    doors.exact["/predict"] = door
    doors.guard = _verifier(tmp_path).require
    app = first(nothing, doors)

    refused = ask(app, "/predict", "POST")
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "evergreen token" in refused.problem["next_step"]
    assert ask(app, "/secret-page").status == 401
    token = {"authorization": f"Bearer {good(ring.keys[0], time.time())}"}
    assert ask(app, "/predict", "POST", headers=token).body == b"in"


def _over_grpc(folder: Path, question: Callable[[Any], Awaitable[Any]]) -> Any:
    async def ask() -> Any:
        door = GrpcDoor(answering(folder / "model"), "v3", _verifier(folder))
        port = await door.open("127.0.0.1:0")
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                return await question(channel)
        finally:
            await door.close()

    return asyncio.run(ask())


async def _code(call: Any) -> grpc.StatusCode:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_grpc_asks_for_the_token_too(ring: Ring, tmp_path: Path) -> None:
    key, now = ring.keys[0], time.time()

    def told(**changed: Any) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {good(key, now, **changed)}"),)

    async def question(channel: Any) -> None:
        infer = method(channel, "ModelInfer", pb.ModelInferResponse)
        ready = method(channel, "ServerReady", pb.ServerReadyResponse)
        about = method(channel, "ModelMetadata", pb.ModelMetadataResponse)
        codes = grpc.StatusCode
        assert await _code(infer(request())) is codes.UNAUTHENTICATED
        assert await _code(about(pb.ModelMetadataRequest(name="flights"))) is codes.UNAUTHENTICATED
        assert await _code(ready(pb.ServerReadyRequest())) is codes.OK
        assert await _code(infer(request(), metadata=told(scope="feedback"))) is (
            codes.PERMISSION_DENIED
        )
        assert await _code(infer(request(), metadata=told())) is codes.OK
        version = (*told(), ("x-model-version", "v3"))
        assert await _code(infer(request(), metadata=version)) is codes.PERMISSION_DENIED
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert (await health).status == health_pb2.HealthCheckResponse.SERVING
        listing = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        assert await _code(_first_of(listing.ServerReflectionInfo(iter([asked])))) is (
            codes.UNAUTHENTICATED
        )
        answers = listing.ServerReflectionInfo(iter([asked]), metadata=told())
        assert await _code(_first_of(answers)) is codes.OK

    _over_grpc(tmp_path, question)


async def _first_of(answers: Any) -> Any:
    async for answer in answers:
        return answer
    raise AssertionError("no answer")


def test_no_forged_token_is_accepted_by_grpc(ring: Ring, tmp_path: Path) -> None:
    revoked, key = ring.keys[0], keystore.revoke(tmp_path / "keys", time.time()).keys[0]
    forged = forgeries(key, revoked, time.time())

    async def question(channel: Any) -> Counter[grpc.StatusCode]:
        infer = method(channel, "ModelInfer", pb.ModelInferResponse)
        seen: Counter[grpc.StatusCode] = Counter()
        for token in forged:
            sent = (("authorization", f"Bearer {token.token}"),)
            seen[await _code(infer(request(), metadata=sent))] += 1
        return seen

    seen = _over_grpc(tmp_path, question)
    assert set(seen) == {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
    assert sum(seen.values()) >= 200


def _post(server: Server, path: str, token: str | None, body: bytes = b"{}") -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    with closing(http.client.HTTPConnection(server.host, server.port, timeout=20)) as connection:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


ROW = {"distance": 3.5, "departure_hour": 7, "wind_speed": None, "carrier": "UA", "origin": None}


def test_a_real_server_lets_in_by_token_alone(
    packaged: Packaged, ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forged tokens at each of its doors, and a rotation under load."""
    folder = tmp_path / "keys"
    revoked, key = ring.keys[0], keystore.revoke(folder, time.time()).keys[0]
    for name, value in _environment(tmp_path).items():
        monkeypatch.setitem(os.environ, name, value)
    body = json.dumps({"rows": [ROW]}).encode()
    with running(packaged.tag, packaged.home, 60, tmp_path / "server.log") as server:
        assert _post(server, "/predict", None, body)[0] == 401
        status, answer = _post(server, "/predict", good(key, time.time()), body)
        assert (status, len(answer["probabilities"])) == (200, 1)

        forged = forgeries(key, revoked, time.time())
        accepted = []
        for number, token in enumerate(forged):
            path = ("/predict", "/v2/models/flights/infer")[number % 2]
            try:
                status, _ = _post(server, path, token.token, body)
            except (ValueError, UnicodeEncodeError):
                continue  # no header could hold it
            if status not in (401, 403):
                accepted.append((token.what, status))
        assert accepted == []
        _rotates_unnoticed(server, folder, body)


def _rotates_unnoticed(server: Server, folder: Path, body: bytes) -> None:
    stop, statuses, signers = threading.Event(), Counter[int](), set[str]()

    def load() -> None:
        while not stop.is_set():
            signer: SigningKey = keystore.read(folder).signing(time.time())
            token = good(signer, time.time(), jti=str(time.time_ns()))
            statuses[_post(server, "/predict", token, body)[0]] += 1
            signers.add(signer.kid)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        ring = keystore.rotate(folder, time.time(), lead_seconds=2.0)
        while time.time() < ring.keys[-1].signs_from + 0.5:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()
    assert set(statuses) == {200}
    assert len(signers) == 2
