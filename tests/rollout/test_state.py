"""A state that is written is the state that is read, or an error that says what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.errors import StateError
from pipelines.rollout.state import SCHEMA, decode, encode
from tests.rollout.builders import exposures, good, look, ready


def written() -> dict[str, Any]:
    return json.loads(encode(look(good(ready()).state, exposures(5, 900, 1, 7)).state))


def test_it_comes_back_to_the_last_digit() -> None:
    state = look(good(ready(approval=(50,), minimum_hours=0.3)).state).state
    state = look(state, exposures(0, 900, 1, 7)).state
    assert decode(encode(state), "here") == state
    assert json.loads(encode(state))["schema"] == SCHEMA


def test_another_schema_is_of_another_release() -> None:
    with pytest.raises(StateError, match="schema 99, this release reads 1") as caught:
        decode(json.dumps({**written(), "schema": 99}), "rollout r-1")
    assert caught.value.where == "rollout r-1"
    assert "evergreen rollback" in caught.value.next_step


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 1}', "\ud800"], ids=range(6))
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(StateError, match="is damaged"):
        decode(text, "here")


def change(state: dict[str, Any], path: str, value: Any) -> str:
    *parents, last = path.split(".")
    place = state
    for parent in parents:
        place = place[parent]
    place[last] = value
    return json.dumps(state)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("phase", "flying"),
        ("phase", "mirroring"),
        ("stage", 4),
        ("stage", -1),
        ("stage", "1"),
        ("generation", 0),
        ("position", None),
        ("elapsed_seconds", -1.0),
        ("seen_seconds", 1e9),
        ("surprise", 1),
        ("clock.uptime", -5.0),
        ("plan.challenger", "alpha@v1"),
        ("plan.expected.gap", 2.0),
        ("plan.settings.steps", [5, 4, 100]),
        ("plan.settings.steps", [5, 100]),
        ("plan.settings.cats", 1),
        ("plan.settings.metrics", ["errors"]),
        ("tally.metrics", {}),
        ("tally.pairs.gaps.count", -1),
        ("tally.pairs.gaps.total", 1e9),
        ("tally.metrics.errors.relative", [0.0]),
        ("tally.metrics.errors.challenger.bad", 10**9),
    ],
)
def test_a_state_that_was_meddled_with_is_refused(path: str, value: Any) -> None:
    with pytest.raises(StateError, match=r"damaged|fit together") as caught:
        decode(change(written(), path, value), "here")
    assert caught.value.next_step
