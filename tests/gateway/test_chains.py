"""Who answers when a version cannot, and that the access log still knows whose fault it was."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import grpc
import httpx
import pytest

from pipelines.gateway import Endpoint, ModelTable
from pipelines.gateway.chains import chain_of, chains, chosen
from tests.gateway.gate import Gate, table, version_of
from tests.gateway.test_routes import infer
from tests.gateway.upstreams import Fleet, Upstream
from tests.waiting import until

V2, V3, V4 = "flights@v2", "flights@v3", "flights@v4"
ALL_TO_V4: dict[str, Any] = {"champion": V3, "weights": {V3: 0, V4: 100}, "previous": V2}
FALLBACK = {"label": 0, "note": "declared"}


def _break(fleet: Fleet, upstream: Upstream, how: str) -> None:
    if how == "dead":
        fleet.end(upstream)
    else:
        upstream.status = {"hang": None, "error": 500, "busy": 503}[how]


@pytest.mark.parametrize("how", ["error", "busy", "hang", "dead"])
def test_the_champion_answers_for_a_broken_challenger(
    running: Gate, fleet: Fleet, how: str
) -> None:
    champion, challenger, previous = fleet.start(V3), fleet.start(V4), fleet.start(V2)
    running.apply(table(champion, challenger, previous, timeout_seconds=3.0, **ALL_TO_V4))
    assert version_of(running.predict()) == V4
    _break(fleet, challenger, how)
    begin = time.time()
    assert [version_of(running.predict()) for _ in range(3)] == [V3] * 3
    assert infer(running, {"x-model": "flights"}).model_version == V3
    logged = [each for each in running.logged(begin) if each.kind == "predict"]
    assert len(logged) == 4
    assert all((each.arm, each.answered) == (V4, V3) for each in logged)
    assert all(each.has_arm_failed and not each.has_failed for each in logged)
    # Health checks take a hanging server out soon, so only the first requests wait for it.
    assert logged[0].has_arm_timed_out is (how == "hang")


@pytest.mark.parametrize("how", ["error", "dead"])
def test_the_previous_version_answers_when_the_champion_is_gone(
    running: Gate, fleet: Fleet, how: str
) -> None:
    champion, challenger, previous = fleet.start(V3), fleet.start(V4), fleet.start(V2)
    running.apply(table(champion, challenger, previous, **ALL_TO_V4))
    for each in (champion, challenger):
        _break(fleet, each, how)
    assert [version_of(running.predict()) for _ in range(5)] == [V2] * 5
    assert infer(running, {"x-model": "flights"}).model_version == V2
    # What is not part of a rollout goes the same way.
    assert version_of(running.client.get("/flights/v2/models/flights")) == V2


@pytest.mark.parametrize("how", ["error", "hang", "dead"])
def test_the_declared_answer_comes_last_and_says_what_it_is(
    running: Gate, fleet: Fleet, how: str
) -> None:
    servers = [fleet.start(version) for version in (V3, V4, V2)]
    running.apply(table(*servers, fallback=FALLBACK, timeout_seconds=1.5, **ALL_TO_V4))
    assert "x-evergreen-fallback" not in running.predict().headers
    for each in servers:
        _break(fleet, each, how)
    begin = time.time()
    for _ in range(3):
        answer = running.predict()
        assert (answer.status_code, answer.json()) == (200, FALLBACK)
        assert answer.headers["x-evergreen-fallback"] == "true"
        assert answer.headers["content-type"] == "application/json"
    logged = running.logged(begin)
    assert {(each.arm, each.answered, each.has_arm_failed) for each in logged} == {
        (V4, "fallback", True)
    }


def test_the_declared_answer_is_none_of_the_protocols_nor_of_feedback(
    running: Gate, fleet: Fleet
) -> None:
    server = fleet.start(V3)
    running.apply(table(server, fallback=FALLBACK))
    fleet.end(server)
    for path in ("/v2/models/flights/infer", "/flights/feedback"):
        answer = running.client.post(path, json={})
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
    with pytest.raises(grpc.RpcError) as raised:
        infer(running, {"x-model": "flights"})
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def test_nothing_left_is_a_clean_503(running: Gate, fleet: Fleet) -> None:
    server = fleet.start(V3)
    running.apply(table(server))
    fleet.end(server)
    for wait in (0, 5):  # refused by the machine at first, known to be down later
        time.sleep(wait)
        answer = running.predict()
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["title"] == "Service Unavailable"


def test_a_version_that_comes_back_is_asked_again(running: Gate, fleet: Fleet) -> None:
    champion, challenger = fleet.start(V3), fleet.start(V4)
    running.apply(table(champion, challenger, champion=V3, weights={V4: 100}))
    challenger.is_ready = False
    until(lambda: version_of(running.predict()) == V3, every=0.1)
    challenger.is_ready = True
    until(lambda: version_of(running.predict()) == V4, every=0.1)


def test_a_broken_challenger_costs_no_client_an_answer_when_many_ask(
    running: Gate, fleet: Fleet
) -> None:
    champion, challenger = fleet.start(V3), fleet.start(V4, status=503)
    champion.delay = 0.05
    running.apply(table(champion, challenger, weights={V3: 50, V4: 50}))

    async def ask() -> list[int]:
        limits = httpx.Limits(max_connections=80)
        async with httpx.AsyncClient(base_url=running.url, timeout=20, limits=limits) as client:
            asked = (client.post("/flights/predict", json={}) for _ in range(240))
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert Counter(asyncio.run(ask())) == {200: 240}


def test_another_server_of_a_version_is_asked_before_another_version(
    running: Gate, fleet: Fleet
) -> None:
    good, bad, previous = fleet.start(V3), fleet.start(V3, status=503), fleet.start(V2)
    spare = fleet.start(V2)
    running.apply(table(good, bad, previous, spare, previous=V2))
    assert [version_of(running.predict()) for _ in range(20)] == [V3] * 20
    assert bad.seen  # asked, and its failures answered by the other one


def test_labels_are_not_sent_twice(running: Gate, fleet: Fleet) -> None:
    champion, previous = fleet.start(V3, status=500), fleet.start(V2)
    running.apply(table(champion, previous, previous=V2))
    assert running.client.post("/flights/feedback", json={}).status_code == 500
    assert (len(champion.seen), len(previous.seen)) == (1, 0)
    fleet.end(champion)  # nothing arrives there, so that nothing can be stored twice
    assert version_of(running.client.post("/flights/feedback", json={})) == V2


def _model(**more: Any) -> ModelTable:
    endpoint = (Endpoint("127.0.0.1", 1, 2),)
    given: dict[str, Any] = {
        "champion": V3,
        "weights": {V3: 75, V4: 25},
        "upstreams": {V2: endpoint, V3: endpoint, V4: endpoint},
    }
    return ModelTable("flights", **(given | more))


def test_a_chain_has_every_version_once() -> None:
    model = _model(previous=V2)
    assert chain_of(model, V4, "rest").versions == (V4, V3, V2)
    assert chain_of(model, V3, "rest").versions == (V3, V2)
    assert chain_of(_model(previous=V3), V3, "grpc").versions == (V3,)


def test_all_tries_fit_into_the_timeout() -> None:
    two = (Endpoint("127.0.0.1", 1, 2), Endpoint("127.0.0.1", 3, 4))
    model = _model(previous=V2, upstreams=dict.fromkeys((V2, V3, V4), two))
    chain = chain_of(model, V4, "rest", has_fallback=True)
    assert (chain.tries_each, chain.retries) == (2, 6)
    assert 6 * chain.seconds_each(12.0) < 12.0


def test_the_champion_comes_last_among_the_chosen_and_has_a_chain_in_any_case() -> None:
    assert chosen(_model()) == [V4, V3]
    model = _model(weights={V3: 0, V4: 100})
    assert chosen(model) == [V4]
    assert {chain.versions[0] for chain in chains(model)} == {V3, V4}
