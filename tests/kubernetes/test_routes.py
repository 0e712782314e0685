"""Routes: whom a gateway chooses, what a server is asked, and that every schema takes them."""

from __future__ import annotations

import copy
from itertools import product
from typing import Any

import pytest

from pipelines.kubernetes.kinds import Object
from pipelines.kubernetes.routes import Marks, routes
from pipelines.kubernetes.seeing import endpoints
from pipelines.settings.kubernetes import KubernetesSettings
from tests.kubernetes import schema
from tests.kubernetes.tables import (
    SETTINGS,
    V1,
    V2,
    V3,
    asked_of_server,
    chosen,
    mirror_of,
    table,
    weights_of,
)

MIRRORED = table(mirror=V1)
STEPPED = table({V3: 75, V1: 25})
MARKS = Marks("flights@v1-1763-ab12", 7)


def made(model=STEPPED, settings: KubernetesSettings = SETTINGS) -> list[Object]:
    return routes(model, settings, MARKS)


def grpc(model=STEPPED) -> Object:
    return next(each for each in made(model) if each["kind"] == "GRPCRoute")


@pytest.mark.parametrize("model", [MIRRORED, STEPPED, table()], ids=["mirror", "step", "alone"])
def test_every_schema_takes_every_route(model) -> None:
    found = made(model)
    assert [each["kind"] for each in found] == ["HTTPRoute", "GRPCRoute", "HTTPRoute"]
    assert [schema.problems(each) for each in found] == [[], [], []]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("spec.rules.0.backendRefs.0.weight", -1),
        ("spec.rules.0.backendRefs.0.prot", 1),
        ("spec.rules.0.timeouts.request", "1.5s"),
        ("spec.rules.0.matches.0.path.type", "Prefix"),
        ("spec.rules.0.matches.0.path.value", "flights"),
        ("spec.rules.1.filters.1.urlRewrite.path.replaceFullPath", "/x"),
        ("spec.rules.0.filters.0.type", "RequestMirror"),
        ("spec.hostnames.0", "10.0.0.1:80"),
        ("metadata.labels.app\x00", "no label"),
        ("metadata.name", "Flights"),
    ],
)
def test_the_schema_would_notice(path: str, wrong: object) -> None:
    found = copy.deepcopy(made()[0])
    place: Any = found
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step) if step.isdigit() else step]
    place[int(last) if last.isdigit() else last] = wrong
    assert schema.problems(found)


@pytest.mark.parametrize(
    ("path", "at_the_server"),
    [
        ("/flights/predict", "/predict"),
        ("/flights/v2/models/flights/infer", "/v2/models/flights/infer"),
        ("/v2/models/flights/infer", "/v2/models/flights/infer"),
        ("/v2/models/flights", "/v2/models/flights"),
    ],
)
def test_a_prediction_goes_by_the_weights(path: str, at_the_server: str) -> None:
    rule = chosen(made(), path)
    assert weights_of(rule) == {"flights-v3": 75, "flights-v1": 25, "flights-v2": 0}
    assert asked_of_server(rule, path) == at_the_server


@pytest.mark.parametrize(
    ("path", "method", "at_the_server"),
    [
        ("/flights/feedback", "POST", "/feedback"),
        ("/flights/v2/models/flights/ready", "GET", "/v2/models/flights/ready"),
        ("/v2/models/flights", "GET", "/v2/models/flights"),
    ],
)
def test_what_is_no_prediction_is_the_champions(path, method, at_the_server) -> None:
    rule = chosen(made(MIRRORED), path, method)
    assert (weights_of(rule), mirror_of(rule)) == ({"flights-v3": 100}, [])
    assert asked_of_server(rule, path) == at_the_server


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/flights/metrics", "GET"),
        ("/flights", "POST"),
        ("/flightsx/predict", "POST"),
        ("/v2/models/flights_minutes/infer", "POST"),
        ("/flights/predict", "GET"),
    ],
)
def test_nothing_else_is_reached(path: str, method: str) -> None:
    assert chosen(made(), path, method) is None


@pytest.mark.parametrize("path", ["/flights/predict", "/flights/v2/x", "/v2/models/flights/infer"])
def test_the_mirror_gets_copies_and_no_request(path: str) -> None:
    rule = chosen(made(MIRRORED), path)
    assert (weights_of(rule)["flights-v1"], mirror_of(rule)) == (0, ["flights-v1"])
    assert mirror_of(chosen(made(), path)) == []


@pytest.mark.parametrize(
    ("path", "spelling"),
    product(
        ["/flights/predict", "/flights/v2/models/x/infer", "/v2/models/flights/infer"],
        ["v2", "flights@v2"],
    ),
)
def test_who_asks_for_a_version_gets_it(path: str, spelling: str) -> None:
    rule = chosen(made(MIRRORED), path, x_model_version=spelling)
    assert (weights_of(rule), mirror_of(rule)) == ({"flights-v2": 100}, [])
    assert asked_of_server(rule, path) == asked_of_server(chosen(made(), path), path)


def test_a_version_can_be_asked_for_only_where_that_is_switched_on() -> None:
    closed = routes(STEPPED, SETTINGS.model_copy(update={"overrides": False}), MARKS)
    rule = chosen(closed, "/flights/predict", x_model_version="v2")
    assert weights_of(rule) == {"flights-v3": 75, "flights-v1": 25, "flights-v2": 0}


def test_grpc_goes_by_metadata_to_the_other_port() -> None:
    found = grpc()
    infer, other = found["spec"]["rules"]
    for rule in (infer, other):
        [match] = rule["matches"]
        assert match["headers"] == [{"type": "Exact", "name": "x-model", "value": "flights"}]
        assert match["method"]["service"] == "inference.GRPCInferenceService"
        assert {each["port"] for each in rule["backendRefs"]} == {3001}
    assert infer["matches"][0]["method"]["method"] == "ModelInfer"
    assert weights_of(infer) == {"flights-v3": 75, "flights-v1": 25, "flights-v2": 0}
    assert weights_of(other) == {"flights-v3": 100}
    assert mirror_of(grpc(MIRRORED)["spec"]["rules"][0]) == ["flights-v1"]


def test_both_kinds_of_routes_never_share_a_host() -> None:
    hosts = {each["kind"]: each["spec"]["hostnames"] for each in made()}
    assert hosts["HTTPRoute"] != hosts["GRPCRoute"]
    only = routes(STEPPED, KubernetesSettings(), MARKS)
    assert [each["kind"] for each in only] == ["HTTPRoute"]
    assert "hostnames" not in only[0]["spec"]


def test_routes_attach_to_the_gateway_that_is_named() -> None:
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}
    assert made()[0]["spec"]["parentRefs"] == [{**parent, "namespace": "infra"}]
    here = routes(STEPPED, KubernetesSettings(gateway="public"), MARKS)
    assert here[0]["spec"]["parentRefs"] == [parent]


def test_nobody_can_pass_a_request_off_as_a_copy() -> None:
    for route in made():
        for rule in route["spec"]["rules"]:
            removed = rule["filters"][0]["requestHeaderModifier"]["remove"]
            assert "x-evergreen-shadow" in removed


def test_a_route_says_what_it_follows_from() -> None:
    annotations = made()[0]["metadata"]["annotations"]
    assert annotations == {
        "evergreen/champion": V3,
        "evergreen/rollout": "flights@v1-1763-ab12",
        "evergreen/generation": "7",
    }
    idle = routes(table(), SETTINGS, Marks())[0]["metadata"]["annotations"]
    assert idle == {"evergreen/champion": V3}


@pytest.mark.parametrize(
    ("seconds", "told"), [(15.0, "15s"), (0.25, "0s250ms"), (1.5, "1s500ms"), (600.0, "600s")]
)
def test_a_timeout_is_written_as_the_api_takes_it(seconds: float, told: str) -> None:
    found = routes(table(timeout_seconds=seconds), SETTINGS, MARKS)[0]
    assert {rule["timeouts"]["request"] for rule in found["spec"]["rules"]} == {told}
    assert schema.problems(found) == []


def test_a_name_of_a_model_that_kubernetes_would_not_take() -> None:
    version = "flights_minutes_@v1"
    model = table({version: 100}, model="flights_minutes_", champion=version, previous=None)
    model = table(
        {version: 100},
        model="flights_minutes_",
        champion=version,
        previous=None,
        upstreams={version: endpoints(version)},
    )
    found = made(model)
    assert [schema.problems(each) for each in found] == [[], [], []]
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(set(names)) == 3
    assert chosen(found, "/flights_minutes_/predict") is not None


def test_three_versions_are_what_one_route_can_offer() -> None:
    """The API takes sixteen rules; live, previous and challenger need twelve to be asked for."""
    [*_, overrides] = made()
    assert len(overrides["spec"]["rules"]) == 12
    assert {V1, V2, V3} == set(STEPPED.upstreams)
