"""Requests on their way when a version goes: what they may need stays, and goes in the end."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.gateway import Fault, Table, dynamic, lingering
from pipelines.gateway.dynamic import Discovery
from pipelines.gateway.names import CLUSTERS_FILE, LINGERING_FILE
from tests.gateway.gate import Gate, table, version_of
from tests.gateway.upstreams import Fleet

V3, V4 = "flights@v3", "flights@v4"


def _names(gate: Gate) -> set[str]:
    return lingering.names_of(dynamic.read(gate.folder / CLUSTERS_FILE))


def test_a_request_that_fails_after_its_version_went_is_answered_by_the_champion(
    running: Gate, fleet: Fleet
) -> None:
    """Delayed until the version is gone, then failed: its chain tries the champion."""
    champion, challenger = fleet.start(V3), fleet.start(V4)
    fault = Fault(100, 4e9, V4, delay_ms=1000, abort_status=503)
    both = table(champion, challenger, weights={V3: 1, V4: 99})
    [model] = both.models
    running.apply(Table((replace(model, faults=(fault,)),)))
    answered: list[int] = []

    def ask(session: int) -> None:
        answered.append(running.predict({"x-session-id": str(session)}).status_code)

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for client in clients:
        client.start()
    time.sleep(0.4)
    running.apply(table(champion))
    for client in clients:
        client.join()
    assert answered == [200] * 20


def test_what_lingers_goes_when_its_time_is_over(running: Gate, fleet: Fleet) -> None:
    servers = fleet.start(V3), fleet.start(V4)
    now = time.time()
    running.apply(table(*servers, weights={V3: 50, V4: 50}), now)
    alone = table(servers[0])
    generation = running.apply(alone, now)
    assert any(name.startswith(V4) for name in _names(running))
    assert running.apply(alone, now + 5) == generation
    assert any(name.startswith(V4) for name in _names(running))
    assert running.apply(alone, now + 17) == generation
    assert not any(name.startswith(V4) for name in _names(running))
    assert not lingering.read(running.folder)
    assert version_of(running.predict()) == V3


def test_a_version_that_comes_back_while_it_lingers_is_asked(running: Gate, fleet: Fleet) -> None:
    servers = fleet.start(V3), fleet.start(V4)
    both = table(*servers, weights={V3: 0, V4: 100})
    running.apply(both)
    running.apply(table(servers[0]))
    running.apply(both)
    assert version_of(running.predict()) == V4
    assert not any(name.startswith(f"{V4}/") for name in lingering.read(running.folder))


@pytest.mark.parametrize(
    ("known", "now", "left"),
    [
        ({}, 100.0, {"gone": 116.0}),
        ({"gone": 110.0}, 100.0, {"gone": 110.0}),
        ({"gone": 110.0}, 110.0, {}),
        ({"gone": 4e9}, 100.0, {"gone": 116.0}),
        ({"wanted": 110.0}, 100.0, {"gone": 116.0}),
    ],
    ids=["new", "known", "over", "clock-set-back", "wanted-again"],
)
def test_until_when(known: dict[str, float], now: float, left: dict[str, float]) -> None:
    assert lingering.following(known, {"gone", "wanted"}, {"wanted"}, now, 16.0) == left


@pytest.mark.parametrize("content", ["", "[]", '{"a": "soon"}', '{"a": NaN}', "\xff"])
def test_a_damaged_file_keeps_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / LINGERING_FILE).write_text(content, encoding="latin-1")
    assert lingering.read(tmp_path) == {}
    lingering.write({"a": 1.0}, tmp_path)
    assert json.loads((tmp_path / LINGERING_FILE).read_text()) == {"a": 1.0}


def test_parts_of_a_file() -> None:
    whole = Discovery(3, [{"name": "a"}, {"name": "b"}])
    assert lingering.without(whole, {"a"}) == Discovery(3, [{"name": "b"}])
    assert lingering.only(whole, {"a"}) == Discovery(3, [{"name": "a"}])
    assert lingering.only(whole, {"c"}) is None
    assert lingering.only(None, {"a"}) is None
    assert lingering.most_seconds(Table()) == 16.0
