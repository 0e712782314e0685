"""Tables that contradict themselves reach no file; random sound ones are always taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import GatewayError
from pipelines.gateway import Endpoint, Fault, ModelTable, Table
from pipelines.gateway.checking import require_sound

V3, V4 = "flights@v3", "flights@v4"
HERE = (Endpoint("127.0.0.1", 3000, 3001),)
SOUND = ModelTable("flights", V3, {V3: 75, V4: 25}, {V3: HERE, V4: HERE})


def test_a_sound_table_passes() -> None:
    require_sound(Table())
    require_sound(Table((replace(SOUND, mirror=V4, previous=V4, fallback={"label": 0}),)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": {V3: 75, V4: 26}}, "are not percents that sum to 100"),
        ({"weights": {}}, "are not percents"),
        ({"weights": {V3: 101, V4: -1}}, "are not percents"),
        ({"weights": {V3: 99.5, V4: 0.5}}, "are not percents"),
        ({"weights": {V3: True, V4: 99}}, "are not percents"),
        ({"weights": {"flights@v9": 100}}, "weights names 'flights@v9', which listens nowhere"),
        ({"champion": "flights@v9"}, "champion names 'flights@v9'"),
        ({"mirror": "flights@v9"}, "mirror names 'flights@v9'"),
        ({"previous": "flights@v9"}, "previous names 'flights@v9'"),
        ({"model": "v2"}, "no name that a path can begin with"),
        ({"model": "healthz"}, "no name that a path can begin with"),
        ({"model": "Flights/.."}, "no name that a path can begin with"),
        ({"model": "digits"}, "is no version of it"),
        ({"upstreams": {V3: HERE, V4: ()}}, "flights@v4 has no endpoint"),
        ({"upstreams": {V3: HERE, V4: HERE, 'x"}\n': HERE}}, "is no version of it"),
        ({"upstreams": {V3: HERE, V4: (Endpoint("a b", 1, 2),)}}, "'a b', which is no host"),
        ({"upstreams": {V3: HERE, V4: (Endpoint("::1", 0, 2),)}}, "0, which is no port"),
        ({"upstreams": {V3: HERE, V4: (Endpoint("::1", 1, 65536),)}}, "65536, which is no port"),
        ({"timeout_seconds": 0.0}, "0.0 s is no timeout"),
        ({"timeout_seconds": float("nan")}, "nan s is no timeout"),
        ({"fallback": {"score": float("nan")}}, "the fallback is not JSON"),
        ({"fallback": {"score": {1, 2}}}, "the fallback is not JSON"),
        ({"fallback": {"text": "x" * 1_000_001}}, "at most 1000000 are taken"),
        ({"faults": (Fault(0, 9.0, V3, delay_ms=5),)}, "a fault in 0 percent"),
        ({"faults": (Fault(101, 9.0, V3, delay_ms=5),)}, "a fault in 101 percent"),
        ({"faults": (Fault(5, 9.0, V3),)}, "neither delays nor aborts"),
        ({"faults": (Fault(5, 9.0, V3, delay_ms=0),)}, "delays by 0 ms"),
        ({"faults": (Fault(5, 9.0, V3, abort_status=99),)}, "aborts with 99"),
        ({"faults": (Fault(5, 9.0, "flights@v9", delay_ms=5),)}, "a fault of 'flights@v9'"),
        ({"faults": (Fault(5, float("inf"), V3, delay_ms=5),)}, "never expires"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_contradiction_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(GatewayError) as raised:
        require_sound(Table((replace(SOUND, **change),)))
    assert said in raised.value.problem


def test_all_contradictions_are_named_at_once() -> None:
    wrong = replace(SOUND, weights={V3: 1}, mirror="flights@v9", timeout_seconds=-1.0)
    with pytest.raises(GatewayError) as raised:
        require_sound(Table((wrong, SOUND)))
    for said in ("flights is there 2 times", "sum to 100", "mirror names", "no timeout"):
        assert said in raised.value.problem


@given(
    st.dictionaries(
        st.integers(1, 5).map("flights@v{}".format), st.integers(-5, 120), min_size=1, max_size=4
    )
)
def test_only_weights_that_sum_to_100_pass(weights: dict[str, int]) -> None:
    versions = dict.fromkeys([*weights, V3], HERE)
    table = Table((ModelTable("flights", V3, weights, versions),))
    is_right = sum(weights.values()) == 100 and all(0 <= each <= 100 for each in weights.values())
    try:
        require_sound(table)
    except GatewayError:
        assert not is_right
    else:
        assert is_right
