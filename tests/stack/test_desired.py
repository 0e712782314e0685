"""From ledger and rollout to the versions that should run, and their weights."""

from __future__ import annotations

import pytest

from pipelines.rollout.state import Phase
from pipelines.stack.desired import previous_live, wanted
from tests.stack.known import entries, known, rollout

V1, V2, V3 = "alpha@v1", "alpha@v2", "alpha@v3"


def test_a_model_that_was_never_live_wants_nothing() -> None:
    assert wanted(known()) is None


def test_the_first_version_has_everything() -> None:
    found = wanted(known("v1"))
    assert found is not None
    assert (found.champion, found.weights, found.versions) == (V1, {V1: 100}, (V1,))


def test_the_version_before_stays_warm() -> None:
    found = wanted(known("v1", "v2"))
    assert found is not None
    assert found.versions == (V2, V1)
    assert (found.weights, found.previous, found.problems) == ({V2: 100}, V1, {})


@pytest.mark.parametrize(
    ("steps", "previous"),
    [
        (["v1"], None),
        (["v1", "v2", "v3"], V2),
        (["v1", "v2", "back v1"], None),
        (["v1", "v2", "v3", "back v2"], V1),
        (["v1", "v2", "back v1", "v2"], V1),
        (["v1", "v2", "back v1", "v3"], V1),
        (["v1", "v2", "v3", "back v1"], V2),
        (["v1", "v2", "v2"], V1),
    ],
    ids=lambda value: "-".join(value).replace(" ", "_") if isinstance(value, list) else str(value),
)
def test_what_was_rolled_back_is_no_refuge(steps: list[str], previous: str | None) -> None:
    assert previous_live(entries(*steps)) == previous


@pytest.mark.parametrize(
    ("phase", "stage", "percent", "mirror"),
    [
        (Phase.PENDING, 0, 0, None),
        (Phase.MIRRORING, 0, 0, V2),
        (Phase.STEPPING, 1, 5, None),
        (Phase.STEPPING, 3, 50, None),
        (Phase.AWAITING_APPROVAL, 2, 25, None),
    ],
)
def test_a_rollout_shares_out_as_its_state_says(
    phase: Phase, stage: int, percent: int, mirror: str | None
) -> None:
    found = wanted(known("v3", "v1", state=rollout(phase, stage)))
    assert found is not None
    assert found.versions == (V1, V2, V3)
    assert found.weights == {V1: 100 - percent, V2: percent}
    assert found.mirror == mirror


def test_a_paused_rollout_gives_the_champion_everything() -> None:
    found = wanted(known("v1", state=rollout(Phase.STEPPING, 2, is_paused=True)))
    assert found is not None
    assert found.weights == {V1: 100, V2: 0}


def test_nobody_is_exposed_to_what_no_controller_watches() -> None:
    watched = rollout(Phase.STEPPING, 2)
    allowed = watched.plan.settings.blind_seconds
    found = wanted(known("v1", state=watched, later=allowed))
    assert found is not None
    assert found.weights == {V1: 75, V2: 25}
    found = wanted(known("v1", state=watched, later=allowed + 1))
    assert found is not None
    assert (found.weights, found.challenger) == ({V1: 100}, V2)
    assert "no controller has looked" in found.problems["alpha"]


def test_copies_go_on_without_a_controller() -> None:
    found = wanted(known("v1", state=rollout(Phase.MIRRORING), later=1e6))
    assert found is not None
    assert (found.mirror, found.problems) == (V2, {})


def test_a_rollout_that_cannot_be_read_gives_the_champion_everything() -> None:
    found = wanted(known("v1", doubt="the state of the rollout is damaged"))
    assert found is not None
    assert (found.weights, found.challenger) == ({V1: 100}, None)
    assert found.problems == {"alpha": "the state of the rollout is damaged"}


def test_a_rollout_over_another_champion_is_doubted() -> None:
    found = wanted(known("v1", "v3", state=rollout(Phase.STEPPING, 2)))
    assert found is not None
    assert (found.weights, found.challenger) == ({V3: 100}, None)
    assert "began when alpha@v1 was live" in found.problems["alpha"]


def test_a_challenger_whose_bento_is_lost_gets_nothing() -> None:
    found = wanted(known("v3", "v1", state=rollout(Phase.STEPPING, 2), lost=("v2",)))
    assert found is not None
    assert found.versions == (V1, V3)
    assert found.weights == {V1: 100}
    assert found.problems == {V2: "no bento of it is on this machine"}


def test_lost_bentos_are_told_and_not_started() -> None:
    found = wanted(known("v1", "v2", lost=("v1", "v2")))
    assert found is not None
    assert found.versions == ()
    assert set(found.problems) == {V1, V2}
