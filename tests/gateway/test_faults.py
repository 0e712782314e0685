"""Planted faults: whom they hit, how often, and that they end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from pipelines.gateway import Fault, Table
from pipelines.gateway.faults import of_version
from tests.gateway.gate import Gate, table, version_of
from tests.gateway.test_routes import infer
from tests.gateway.upstreams import Fleet
from tests.waiting import until

V3, V4 = "flights@v3", "flights@v4"
LATER = 4e9


def _planted(known: Table, *faults: Fault) -> Table:
    [model] = known.models
    return Table((replace(model, faults=faults),))


def test_an_abort_hits_the_version_and_no_client(running: Gate, fleet: Fleet) -> None:
    servers = fleet.start(V3), fleet.start(V4)
    known = table(*servers, weights={V3: 50, V4: 50})
    running.apply(_planted(known, Fault(100, LATER, V4, abort_status=503)))
    begin = time.time()
    assert Counter(version_of(running.predict()) for _ in range(40)) == {V3: 40}
    assert infer(running, {"x-model": "flights"}).model_version == V3
    logged = [each for each in running.logged(begin) if each.kind == "predict"]
    assert {each.has_arm_failed for each in logged if each.arm == V4} == {True}
    assert {each.has_arm_failed for each in logged if each.arm == V3} == {False}
    assert not servers[1].seen


def test_a_fault_of_everybody_reaches_the_client(running: Gate, fleet: Fleet) -> None:
    running.apply(_planted(table(fleet.start(V3)), Fault(100, LATER, abort_status=500)))
    assert running.predict().status_code == 500


def test_a_delay_is_waited_and_only_by_its_share(running: Gate, fleet: Fleet) -> None:
    known = table(fleet.start(V3))
    running.apply(_planted(known, Fault(50, LATER, V3, delay_ms=150)))
    begin = time.time()
    assert {version_of(running.predict()) for _ in range(40)} == {V3}
    slow = [each.duration_ms >= 150 for each in running.logged(begin)]
    # 40 coins: outside of this once in a million times.
    assert 5 < sum(slow) < 35


def test_a_fault_ends_when_its_time_is_over(running: Gate, fleet: Fleet) -> None:
    known = _planted(table(fleet.start(V3)), Fault(100, 1000.0, abort_status=500))
    first = running.apply(known, now=999.0)
    assert running.predict().status_code == 500
    assert running.apply(known, now=1000.0) == first + 1
    assert version_of(running.predict()) == V3


def test_the_copies_for_a_mirror_are_not_hit(running: Gate, fleet: Fleet) -> None:
    champion, shadow = fleet.start(V3), fleet.start(V4)
    known = table(champion, shadow, mirror=V4)
    running.apply(_planted(known, Fault(100, LATER, V3, delay_ms=1)))
    assert version_of(running.predict({"x-request-id": "r"})) == V3
    until(lambda: shadow.seen)
    assert shadow.seen[0].headers["x-request-id"] == "r"
    assert champion.seen[0].headers["x-request-id"] == "r"
    assert not champion.seen[0].headers["host"].endswith("-shadow")


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ((), {}),
        ((Fault(10, 5.0, V4, delay_ms=20),), {}),
        ((Fault(10, 9.0, V3, delay_ms=20),), {}),
        (
            (Fault(10, 9.0, None, delay_ms=20), Fault(30, 9.0, V4, abort_status=503)),
            {"delay": ("0.020s", 10), "abort": (503, 30)},
        ),
        (
            (Fault(10, 9.0, V4, abort_status=500), Fault(30, 9.0, V4, abort_status=503)),
            {"abort": (503, 30)},
        ),
    ],
    ids=["none", "expired", "another's", "both", "the later"],
)
def test_what_the_filter_is_told(faults: Any, told: dict[str, Any]) -> None:
    found = of_version(faults, V4, now=5.0)
    assert {
        kind: (
            settings.get("fixed_delay", settings.get("http_status")),
            settings["percentage"]["numerator"],
        )
        for kind, settings in found.items()
    } == told
