"""From what should be and who answers to what the gateway is told."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.gateway.table import Endpoint, Fault
from pipelines.rollout.state import Phase
from pipelines.settings import Settings, parse
from pipelines.stack.desired import wanted
from pipelines.stack.tables import Seen, routable, table
from tests.stack.known import known, rollout

V1, V2, V3 = "alpha@v1", "alpha@v2", "alpha@v3"
ONE, TWO, THREE, OLD = (Endpoint("127.0.0.1", port, port + 1) for port in (10, 20, 30, 40))
WHERE = {V1: (ONE,), V2: (TWO,), V3: (THREE,)}


def chosen(**fleet: Any) -> Settings:
    model = {
        "ingest": {"dataset": "digits", "source": "package:sklearn"},
        "train": {"family": "logistic"},
        "fleet": fleet,
    }
    return parse({"models": {"alpha": model}, "gateway": {"timeout_seconds": 7}})


def told(known_: Any, seen: Seen, faults: tuple[Fault, ...] = (), **fleet: Any) -> Any:
    found = wanted(known_)
    assert found is not None
    rows = table([found], seen, chosen(**fleet), {"alpha": faults}).models
    return rows[0] if rows else None


def test_all_answer() -> None:
    seen = Seen(WHERE, {}, {ONE, TWO, THREE})
    row = told(known("v3", "v1", state=rollout(Phase.STEPPING, 2)), seen, fallback={"late": None})
    assert row.weights == {V1: 75, V2: 25}
    assert (row.champion, row.previous, row.mirror) == (V1, V3, None)
    assert row.upstreams == WHERE
    assert row.fallback == {"late": None}
    assert row.timeout_seconds == 7


def test_the_mirror_is_told() -> None:
    row = told(known("v1", state=rollout(Phase.MIRRORING)), Seen(WHERE, {}, {ONE, TWO}))
    assert (row.weights, row.mirror) == ({V1: 100}, V2)


def test_a_challenger_that_never_answered_gets_nothing() -> None:
    for state in (rollout(Phase.STEPPING, 2), rollout(Phase.MIRRORING)):
        row = told(known("v1", state=state), Seen(WHERE, {}, {ONE}))
        assert (row.weights, row.mirror, set(row.upstreams)) == ({V1: 100}, None, {V1})


def test_a_challenger_that_is_down_for_a_moment_keeps_its_share() -> None:
    seen = Seen(WHERE, {V1: (ONE,), V2: (TWO,)}, {ONE})
    row = told(known("v1", state=rollout(Phase.STEPPING, 2)), seen)
    assert row.weights == {V1: 75, V2: 25}


def test_a_warm_challenger_may_be_asked_for_by_name_before_it_has_a_share() -> None:
    row = told(known("v1", state=rollout(Phase.PENDING)), Seen(WHERE, {}, {ONE, TWO}))
    assert row.weights == {V1: 100}
    assert set(row.upstreams) == {V1, V2}


def test_a_champion_is_routed_though_nothing_answers_yet() -> None:
    row = told(known("v1"), Seen(WHERE, {}, ()))
    assert row.upstreams == {V1: (ONE,)}


def test_the_version_before_stands_in_where_the_champion_cannot_run() -> None:
    row = told(known("v1", "v2", lost=("v2",)), Seen({V1: (ONE,)}, {}, {ONE}))
    assert (row.champion, row.weights, row.previous) == (V1, {V1: 100}, None)


def test_a_model_without_any_server_is_left_out() -> None:
    assert told(known("v1"), Seen({}, {}, ())) is None


def test_old_servers_are_asked_until_those_that_replace_them_are_ready() -> None:
    before, here = {V1: (OLD,)}, {V1: (ONE,)}
    assert routable(V1, Seen(here, before, {OLD}), is_champion=True) == (OLD,)
    assert routable(V1, Seen(here, before, {OLD, ONE}), is_champion=True) == (ONE,)
    assert routable(V1, Seen(here, before, ()), is_champion=True) == (ONE,)
    assert routable(V1, Seen(here, before, ()), is_champion=False) == ()


def test_one_replica_of_two_is_enough_and_both_are_told() -> None:
    both = (ONE, TWO)
    assert routable(V1, Seen({V1: both}, {}, {TWO}), is_champion=False) == both


def test_faults_of_versions_that_are_gone_are_left_out() -> None:
    faults = (
        Fault(10, 1e12, None, delay_ms=5),
        Fault(10, 1e12, V1, delay_ms=5),
        Fault(10, 1e12, V3, delay_ms=5),
    )
    row = told(known("v1"), Seen(WHERE, {}, {ONE}), faults)
    assert row.faults == faults[:2]


_STEPS = st.lists(st.sampled_from(["v1", "v2", "v3", "back v1", "back v2"]), min_size=1, max_size=6)
_STATES = st.one_of(
    st.none(), st.builds(rollout, st.sampled_from(Phase), st.integers(min_value=0, max_value=3))
)
_PLACES = st.dictionaries(st.sampled_from([V1, V2, V3]), st.sampled_from([(ONE,), (TWO, OLD)]))


@settings(max_examples=300, deadline=None)
@given(
    steps=_STEPS,
    state=_STATES,
    lost=st.sets(st.sampled_from(["v1", "v2", "v3"])),
    listening=_PLACES,
    routed=_PLACES,
    ready=st.sets(st.sampled_from([ONE, TWO, THREE, OLD])),
)
def test_whatever_is_known_the_table_fits_together(
    steps: list[str],
    state: Any,
    lost: set[str],
    listening: dict[str, tuple[Endpoint, ...]],
    routed: dict[str, tuple[Endpoint, ...]],
    ready: set[Endpoint],
) -> None:
    found = wanted(known(*steps, state=state, lost=tuple(lost)))
    assert found is not None
    assert sum(found.weights.values()) == 100
    for row in table([found], Seen(listening, routed, ready), chosen(), {}).models:
        assert sum(row.weights.values()) == 100
        named = {row.champion, *row.weights} | {v for v in (row.mirror, row.previous) if v}
        assert named <= row.upstreams.keys()
        assert not {version.removeprefix("alpha@") for version in row.upstreams} & lost
        assert all(row.upstreams.values())


def test_who_was_asked_goes_on_until_a_champion_that_was_cold_answers() -> None:
    """`evergreen rollback --to` a version whose servers were ended long ago."""
    back = known("v1")
    before = {V2: (TWO,)}
    for listening in ({V2: (TWO,)}, {V1: (ONE,), V2: (TWO,)}):
        row = told(back, Seen(listening, before, {TWO}, {"alpha": V2}))
        assert (row.champion, row.weights, set(row.upstreams)) == (V2, {V2: 100}, {V2})
    row = told(back, Seen(WHERE, before, {ONE, TWO}, {"alpha": V2}))
    assert (row.champion, row.weights, set(row.upstreams)) == (V1, {V1: 100}, {V1})


def test_nobody_stands_in_for_a_champion_that_answered_before() -> None:
    both = {V1: (ONE,), V2: (TWO,)}
    row = told(known("v1"), Seen(WHERE, both, {TWO}, {"alpha": V2}))
    assert (row.champion, row.weights) == (V1, {V1: 100})


def test_who_does_not_answer_stands_in_for_nobody() -> None:
    row = told(known("v1"), Seen({V1: (ONE,)}, {V2: (TWO,)}, set(), {"alpha": V2}))
    assert (row.champion, row.weights) == (V1, {V1: 100})
    assert told(known("v1"), Seen({}, {V2: (TWO,)}, set(), {"alpha": V2})) is None
