"""Whose request it is: by path and metadata, by weight and subject, by an override."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any

import grpc
import httpx
import pytest

from pipelines.gateway import Table
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from tests.gateway.gate import Gate, table, version_of
from tests.gateway.upstreams import Fleet
from tests.waiting import until

V2, V3, V4 = "flights@v2", "flights@v3", "flights@v4"
SERVICE = "/inference.GRPCInferenceService/"


def infer(
    gate: Gate, metadata: dict[str, str], method: str = "ModelInfer", timeout: float = 20
) -> Any:
    """The version that answers a call."""
    asked, answered = {
        "ModelInfer": (pb.ModelInferRequest(model_name="flights"), pb.ModelInferResponse),
        "ModelReady": (pb.ModelReadyRequest(name="flights"), pb.ModelReadyResponse),
    }[method]
    with grpc.insecure_channel(f"127.0.0.1:{gate.settings.gateway.port}") as channel:
        call = channel.unary_unary(
            SERVICE + method,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answered.FromString,
        )
        return call(asked, metadata=list(metadata.items()), timeout=timeout)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/flights/predict", "/predict"),
        ("/flights/feedback", "/feedback"),
        ("/flights/v2/models/flights/infer", "/v2/models/flights/infer"),
        ("/v2/models/flights/infer", "/v2/models/flights/infer"),
    ],
)
def test_a_public_path_reaches_the_server_as_its_own(
    running: Gate, fleet: Fleet, path: str, asked: str
) -> None:
    server = fleet.start(V3)
    running.apply(table(server))
    answer = running.client.post(path, content=b'{"rows": [1]}')
    assert answer.json() == {"version": V3, "path": asked}
    [seen] = server.seen
    assert (seen.path, seen.body) == (asked, b'{"rows": [1]}')


def test_models_are_told_apart(running: Gate, fleet: Fleet) -> None:
    flights, digits = fleet.start(V3), fleet.start("digits@v1")
    [one] = table(flights).models
    other = replace(
        one,
        model="digits",
        champion="digits@v1",
        weights={"digits@v1": 100},
        upstreams={"digits@v1": (digits.endpoint,)},
    )
    running.apply(Table((one, other)))
    for path in ("/digits/predict", "/v2/models/digits/infer"):
        assert version_of(running.client.post(path, json={})) == "digits@v1"
    assert version_of(running.predict()) == V3
    assert infer(running, {"x-model": "digits"}).model_version == "digits@v1"
    assert infer(running, {"x-model": "flights"}).model_version == V3


def test_what_is_not_served_is_a_problem_with_a_next_step(running: Gate, fleet: Fleet) -> None:
    running.apply(table(fleet.start(V3)))
    for path in ("/", "/trips/predict", "/flightsx/predict", "/v2/models/flightsx/infer"):
        answer = running.client.post(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert told["status"] == 404
        assert "evergreen status" in told["next_step"]
        assert told["request_id"] == answer.headers["x-request-id"]
    with pytest.raises(grpc.RpcError) as raised:
        infer(running, {})
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "x-model" in raised.value.details()


def test_one_port_speaks_http1_http2_and_grpc(running: Gate, fleet: Fleet) -> None:
    running.apply(table(fleet.start(V3)))
    assert running.predict().http_version == "HTTP/1.1"
    assert infer(running, {"x-model": "flights"}, "ModelReady").ready
    kinds = {each.kind for each in running.logged(time.time() - 5) if each.arm or each.answered}
    assert {"predict", "about"} <= kinds


def test_weights_are_kept_and_logged(running: Gate, fleet: Fleet) -> None:
    generation = running.apply(table(fleet.start(V3), fleet.start(V4), weights={V3: 75, V4: 25}))
    begin = time.time()
    answered = Counter(version_of(running.predict()) for _ in range(400))
    # Five standard deviations around 100 of 400.
    assert 56 < answered[V4] < 144
    logged = [each for each in running.logged(begin) if each.kind == "predict"]
    assert Counter(each.arm for each in logged) == answered
    assert {(each.generation, each.status, each.attempts) for each in logged} == {
        (generation, 200, 1)
    }
    assert {each.arm: each.weight for each in logged} == {V3: 75, V4: 25}
    assert all(each.answered == each.arm and not each.has_arm_failed for each in logged)


def test_a_session_stays_with_its_version_while_the_weight_grows(
    running: Gate, fleet: Fleet
) -> None:
    servers = fleet.start(V3), fleet.start(V4)
    chosen: dict[int, set[str]] = {}
    for weight in (5, 25, 50, 100):
        running.apply(table(*servers, weights={V3: 100 - weight, V4: weight}))
        chosen[weight] = set()
        for session in map(str, range(60)):
            headers = {"x-session-id": session}
            versions = {version_of(running.predict(headers)) for _ in range(2)}
            assert len(versions) == 1
            if versions == {V4}:
                chosen[weight].add(session)
    # Whoever had the challenger keeps it: the sets grow, and are never drawn anew.
    assert chosen[5] < chosen[25] < chosen[50] < chosen[100]
    assert len(chosen[100]) == 60


def test_a_mirror_gets_the_same_request_and_nobody_waits_for_it(
    running: Gate, fleet: Fleet
) -> None:
    champion, shadow = fleet.start(V3), fleet.start(V4, status=None)
    running.apply(table(champion, shadow, mirror=V4))
    began = time.monotonic()
    answer = running.predict({"x-request-id": "mine-1"})
    assert version_of(answer) == V3
    assert time.monotonic() - began < 30  # the mirror hangs for a minute
    assert answer.headers["x-request-id"] == "mine-1"
    until(lambda: shadow.seen)
    [copy], [real] = shadow.seen, champion.seen
    assert copy.headers["x-request-id"] == real.headers["x-request-id"] == "mine-1"
    assert copy.headers["host"].endswith("-shadow")
    assert not real.headers["host"].endswith("-shadow")
    assert (copy.path, copy.body) == (real.path, real.body)


def test_a_mirror_of_grpc_and_none_of_feedback(running: Gate, fleet: Fleet) -> None:
    champion, shadow = fleet.start(V3), fleet.start(V4)
    running.apply(table(champion, shadow, mirror=V4))
    assert infer(running, {"x-model": "flights", "x-request-id": "r"}).model_version == V3
    running.client.post("/flights/feedback", json={})
    running.client.get("/flights/v2/models/flights")
    until(lambda: shadow.calls)
    assert shadow.calls[0]["x-request-id"] == "r"
    assert shadow.seen == []


@pytest.mark.parametrize("asked", ["v4", "flights@v4"])
def test_a_version_can_be_asked_for(running: Gate, fleet: Fleet, asked: str) -> None:
    running.apply(table(fleet.start(V3), fleet.start(V4)))
    begin = time.time()
    assert version_of(running.predict({"x-model-version": asked})) == V4
    metadata = {"x-model": "flights", "x-model-version": asked}
    assert infer(running, metadata).model_version == V4
    assert {each.kind for each in running.logged(begin)} == {"debug"}


def test_a_version_that_is_asked_for_is_not_answered_by_another(
    running: Gate, fleet: Fleet
) -> None:
    running.apply(table(fleet.start(V3), fleet.start(V4, status=500)))
    assert running.predict({"x-model-version": "v4"}).status_code == 500
    unknown = running.predict({"x-model-version": "v9"})
    assert unknown.status_code == 404
    assert unknown.json()["detail"] == "x-model-version is none of flights@v3, flights@v4"


def test_a_client_cannot_say_what_only_the_gateway_says(running: Gate, fleet: Fleet) -> None:
    server = fleet.start(V3)
    running.apply(table(server))
    forged = {
        "x-evergreen-arm": "flights@v9",
        "X-Evergreen-Subject": "somebody-else",
        "x-evergreen-to": "admin",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-fault-abort-request": "500",
        "x-forwarded-for": "203.0.113.9",
    }
    begin = time.time()
    assert version_of(running.predict(forged)) == V3
    [seen] = server.seen
    assert seen.headers["x-evergreen-arm"] == V3
    assert not {"x-evergreen-subject", "x-evergreen-to"} & seen.headers.keys()
    told = {name for name in seen.headers if name.startswith("x-envoy-")}
    assert told <= {"x-envoy-external-address"}  # Envoy's own: the peer
    assert "203.0.113.9" not in seen.headers["x-forwarded-for"]
    [logged] = running.logged(begin)
    assert (logged.arm, logged.subject) == (V3, None)


def test_the_answer_of_the_fallback_cannot_be_asked_for(running: Gate, fleet: Fleet) -> None:
    running.apply(table(fleet.start(V3), fallback={"label": 0}))
    answer = running.client.post("/predict", headers={"x-evergreen-arm": V3})
    assert answer.status_code == 404


def test_a_large_body_is_refused_and_one_at_the_limit_is_not(running: Gate, fleet: Fleet) -> None:
    server = fleet.start(V3)
    running.apply(table(server))
    limit = int(running.settings.gateway.max_body_megabytes * 1e6)
    assert version_of(running.client.post("/flights/predict", content=b"x" * limit)) == V3
    refused = running.client.post("/flights/predict", content=b"x" * (limit + 1))
    assert refused.status_code == 413
    assert "fewer rows" in refused.json()["next_step"]
    assert [len(seen.body) for seen in server.seen] == [limit]


@pytest.mark.parametrize(
    "path",
    ["/flights%2Fpredict", "/flights/../flights/predict", "//flights//predict"],
)
def test_another_spelling_of_a_path_goes_to_the_same_place_or_nowhere(
    running: Gate, fleet: Fleet, path: str
) -> None:
    server = fleet.start(V3)
    running.apply(table(server))
    url = httpx.URL(running.url, raw_path=path.encode())
    status = running.client.post(url, json={}).status_code
    assert (status == 200 and server.seen[0].path == "/predict") or status == 400


def test_the_gateway_answers_for_itself(running: Gate) -> None:
    assert running.client.get("/healthz").text == "ok\n"
    assert running.client.get("/v2/health/live").json() == {"live": True}
