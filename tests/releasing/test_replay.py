"""Pairs from logged requests, for a mirror that sees few."""

from __future__ import annotations

import pytest

from pipelines.errors import LogError
from pipelines.predictions.policy import LogPolicy
from pipelines.releasing.replay import Models, replay
from pipelines.rollout.plan import Plan
from pipelines.rollout.state import Phase
from pipelines.versioning import versions
from tests.releasing.test_ticking import look, start
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL, World


def models(world: World, hidden: tuple[str, ...] = ()) -> Models:
    project = world.project
    old, new = (
        versions.model_folder(
            project.repository, project.home, versions.find(project.repository, MODEL, name)
        )
        for name in (CHAMPION, CHALLENGER)
    )
    return Models(old, new, hidden)


def plan_of(world: World) -> Plan:
    return start(world).state.plan


def test_logged_requests_are_as_far_apart_as_the_holdout(world: World) -> None:
    world.seconds = -100
    # Each row of the holdout once: the same distance then, to the last digit.
    world.serve(40, per_second=10)
    world.seconds = 0
    plan = plan_of(world)
    pairs = replay(world.sources.predictions, plan, models(world), world.begun)
    assert pairs.count == 400
    assert pairs.gaps.mean == pytest.approx(plan.expected.gap)
    assert pairs.disagreements.mean == pytest.approx(plan.expected.disagreement)
    assert replay(world.sources.predictions, plan, models(world), world.begun - 90.01).count == 100


def test_without_a_log_there_are_no_pairs(world: World) -> None:
    assert replay(world.sources.predictions, plan_of(world), models(world), world.begun).count == 0


def test_digests_cannot_be_replayed(world: World) -> None:
    world.seconds = -100
    world.serve(10)
    world.seconds = 0
    with pytest.raises(LogError, match="not logged as they were: carrier"):
        replay(world.sources.predictions, plan_of(world), models(world, ("carrier",)), world.begun)


def test_columns_that_were_not_logged_cannot_be_replayed(world: World) -> None:
    world.seconds = -100
    world.traffic.policy = LogPolicy(features=("carrier", "distance"))
    world.serve(5)
    world.seconds = 0
    with pytest.raises(LogError, match="departure_hour"):
        replay(world.sources.predictions, plan_of(world), models(world), world.begun)


def test_a_quiet_mirror_is_given_pairs_once(world: World) -> None:
    world.seconds = -100
    world.serve(40)
    world.seconds = 0
    start(world, deadline_hours=4)
    assert look(world).state.phase is Phase.MIRRORING
    world.seconds += 3600 - 10
    world.serve(9)
    before = look(world).state.tally.pairs.count
    assert before < 100
    world.serve(11)
    after = look(world).state.tally.pairs.count
    assert after >= before + 400
    world.serve(11)
    again = look(world).state.tally.pairs.count
    assert again - after < 200
