"""Who needs what: the ledger, rollouts, the gateway, servers."""

from __future__ import annotations

import json

import pytest

from pipelines.cleaning import needs
from pipelines.errors import StateError
from pipelines.fleet.layout import Layout
from pipelines.state import runs
from pipelines.state.store import rollouts
from tests.cleaning.world import MODEL, World


def needed(world: World, keep: int = 1) -> dict[str, str]:
    found = needs.of_model(world.project.engine, world.home, MODEL, keep, 30)
    return {name.removeprefix(f"{MODEL}@"): why for name, why in found.versions.items()}


def test_the_ledger_needs_the_live_one_and_the_one_before(world: World) -> None:
    assert needed(world) == {"v6": "it is live", "v5": "a rollback would return to it"}
    assert needed(world, keep=3).keys() == {"v4", "v5", "v6"}


def test_an_open_rollout_needs_both_sides(world: World) -> None:
    world.roll_out()
    assert needed(world).keys() == {"v1", "v2", "v5", "v6"}


def test_what_waits_for_its_rollout_is_needed(world: World) -> None:
    world.project.register("v7")
    world.project.register("v8")
    assert needed(world)["v8"] == "it waits for its rollout"
    assert "v7" not in needed(world)
    world.project.promote("v8")
    # As a rollout that made v8 live leaves it: v7 would be begun next.
    assert needed(world)["v7"] == "it waits for its rollout"


def test_what_is_routed_or_runs_is_needed(world: World) -> None:
    world.route("v3")
    book = Layout.of(world.home).ports
    book.parent.mkdir(parents=True, exist_ok=True)
    book.write_text(json.dumps({f"{MODEL}-v2-0": [20000, 20001], "other-v1-0": [20002, 20003]}))
    found = needed(world)
    assert found["v3"] == "the gateway was told of it"
    assert found["v2"] == "a server of it runs"
    assert found.keys() == {"v2", "v3", "v5", "v6"}


def test_a_rollout_that_cannot_be_read_stops_everything(world: World) -> None:
    world.roll_out()
    with world.project.engine.begin() as connection:
        connection.execute(rollouts.update().values(state="{}"))
    with pytest.raises(StateError):
        needed(world)


def test_the_newest_commit_is_what_the_next_retrain_begins_from(world: World) -> None:
    first = world.run(runs.REFUSED, commit="c" * 40)
    world.run(runs.FAILED)
    found = needs.of_model(world.project.engine, world.home, MODEL, 1, 30)
    assert found.base == first
