"""From one state to the next, one rule after the other."""

from __future__ import annotations

import pytest
from msgspec import structs

from pipelines.errors import DataError, RolloutError
from pipelines.rollout import machine
from pipelines.rollout.events import Aborted, Approved, Looked, Ready, Unseen
from pipelines.rollout.evidence import Evidence
from pipelines.rollout.plan import Expected
from pipelines.rollout.routing import routing
from pipelines.rollout.state import Phase, decode, encode
from pipelines.verdicts import Outcome
from tests.rollout.builders import (
    CHALLENGER,
    CHAMPION,
    REGISTERED,
    at,
    begun,
    exposures,
    good,
    later,
    look,
    pairs,
    plan,
    ready,
)

HOUR = 3600.0


def percent(state) -> int:
    weights = routing(state).weights
    assert sum(weights.values()) == 100
    return weights[CHALLENGER]


def stepping(stage: int = 1, **settings):
    state = ready(**settings)
    while state.stage < stage:
        state = good(state).state
    return state


def wait(state, seconds: float):
    """A tick that sees nothing new happen, so much later."""
    evidence = Evidence(state.position, state.position + seconds)
    return machine.advance(state, Looked(evidence), later(state, seconds)).state


def unseen(state, seconds: float):
    return machine.advance(state, Unseen("the log is locked"), later(state, seconds)).state


def test_it_begins_with_the_champion_alone() -> None:
    state = begun()
    assert state.phase is Phase.PENDING
    assert routing(state).weights == {CHAMPION: 100, CHALLENGER: 0}
    assert routing(state).mirror is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"challenger": CHAMPION}, "live already"),
        ({"challenger": "alpha@v9"}, "alpha@v9 is not registered"),
        ({"champion": "alpha@v9"}, "alpha@v9 is not registered"),
        ({"latency_ms": 0.0}, "no latency"),
        ({"latency_ms": float("nan")}, "no latency"),
    ],
)
def test_what_cannot_be_rolled_out_never_begins(change, problem) -> None:
    with pytest.raises(RolloutError, match=problem) as caught:
        machine.begin(structs.replace(plan(), **change), REGISTERED, 0.0, at(0))
    assert "alpha" in caught.value.where
    assert caught.value.next_step


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_expected_is_a_share(share) -> None:
    for expected in ({"disagreement": share, "gap": 0.0}, {"disagreement": 0.0, "gap": share}):
        with pytest.raises(RolloutError, match="no shares"):
            Expected(**expected)


def test_a_good_challenger_goes_all_the_way() -> None:
    state, seen = ready(), []
    while not state.phase.is_final:
        seen.append((state.phase, percent(state), routing(state).mirror))
        state = good(state).state
    assert seen == [
        (Phase.MIRRORING, 0, CHALLENGER),
        (Phase.STEPPING, 5, None),
        (Phase.STEPPING, 25, None),
        (Phase.STEPPING, 50, None),
    ]
    assert state.phase is Phase.PROMOTED
    assert percent(state) == 100


def test_every_change_of_the_routing_has_a_generation_of_its_own() -> None:
    state, generations = begun(), []
    state = machine.advance(state, Ready(), at(1)).state
    while not state.phase.is_final:
        generations.append(state.generation)
        state = good(state).state
        held = look(state).state if not state.phase.is_final else state
        assert held.generation == state.generation
    assert generations == sorted(set(generations))


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_harm_at_any_step_gives_the_champion_everything(stage) -> None:
    state = stepping(stage)
    weight = state.plan.stages[stage]
    advance = look(state, exposures(weight, 1000, 60, champion_bad=20))
    assert advance.verdict is not None
    assert advance.verdict.outcome is Outcome.FAILED
    assert advance.state.phase is Phase.ROLLED_BACK
    assert percent(advance.state) == 0
    assert "errors" in advance.state.reason
    assert "60 bad of" in advance.state.reason
    assert "harm is shown" in advance.state.reason


def test_a_mirror_that_answers_otherwise_than_on_the_holdout_goes_back() -> None:
    state = look(ready(), exposures(0, 20_000), pairs(20_000, disagreement=0.08)).state
    assert state.phase is Phase.ROLLED_BACK
    assert "8 %" in state.reason


def test_no_evidence_holds_and_then_goes_back() -> None:
    state = stepping(deadline_hours=2)
    held = wait(state, 2 * HOUR - 1)
    assert held.phase is Phase.STEPPING
    assert "holding at 5 %" in held.reason
    late = wait(held, 1)
    assert late.phase is Phase.ROLLED_BACK
    assert late.reason.startswith("deadline of 2 h reached")


def test_a_step_lasts_as_long_as_it_must() -> None:
    state = ready(minimum_hours=1)
    held = good(state).state
    assert held.phase is Phase.MIRRORING
    assert "lasts 1 h at least" in held.reason
    assert wait(held, HOUR).phase is Phase.STEPPING


def test_each_step_wants_evidence_of_its_own() -> None:
    state = stepping(1)
    assert all(metric.challenger.requests == 0 for metric in state.tally.metrics.values())
    # What came in at the weight before says nothing of this one.
    state = look(state, exposures(0, 100_000)).state
    assert (state.phase, percent(state)) == (Phase.STEPPING, 5)


def test_the_same_tick_twice_changes_nothing() -> None:
    state = stepping(1)
    evidence = Evidence(state.position, state.position + 10, exposures(5, 900, 3, 9))
    now = later(state, 10)
    once = machine.advance(state, Looked(evidence), now)
    twice = machine.advance(once.state, Looked(evidence), now)
    assert twice.state == once.state
    assert twice.verdict is None


def test_evidence_that_overlaps_or_leaves_a_gap_is_refused() -> None:
    state = stepping(1)
    for begin in (state.position - 5, state.position + 5):
        with pytest.raises(RolloutError, match="read up to"):
            machine.advance(state, Looked(Evidence(begin, begin + 50)), later(state, 10))


def test_a_metric_that_nobody_agreed_on_is_refused() -> None:
    with pytest.raises(DataError, match="unknown metric 'cats'"):
        look(stepping(1), exposures(5, metrics=("cats",)))


def test_nobody_is_exposed_to_what_nobody_sees() -> None:
    state = unseen(stepping(1), 59)
    assert percent(state) == 5
    paused = unseen(state, 1)
    assert (paused.phase, paused.is_paused, percent(paused)) == (Phase.STEPPING, True, 0)
    assert "the log is locked" in paused.reason
    assert paused.generation == state.generation + 1
    back = wait(paused, 10)
    assert (back.is_paused, percent(back)) == (False, 5)


def test_a_source_that_stands_still_is_not_seen() -> None:
    state = stepping(1)
    for seconds in (30.0, 30.0):
        still = Evidence(state.position - 10, state.position)
        state = machine.advance(state, Looked(still), later(state, seconds)).state
    assert state.is_paused
    assert "stands still" in state.reason


def test_a_pause_counts_towards_the_deadline() -> None:
    state = unseen(stepping(1, deadline_hours=1), 61)
    state = unseen(state, HOUR)
    assert state.phase is Phase.ROLLED_BACK
    assert "the log is locked" in state.reason


def test_a_challenger_that_never_gets_ready_is_given_up() -> None:
    state = unseen(begun(), 599)
    assert state.phase is Phase.PENDING
    state = unseen(state, 1)
    assert state.phase is Phase.ABORTED
    assert "not ready after 10 min" in state.reason


def test_what_came_before_it_was_ready_does_not_count() -> None:
    state = look(begun(), exposures(0, 1000, 900)).state
    assert state.phase is Phase.PENDING
    assert state.tally == begun().tally
    assert state.position > 0


def test_the_wall_clock_does_not_move_a_deadline() -> None:
    state = stepping(1, deadline_hours=2)
    for wall in (10**7, -(10**7)):
        jumped = machine.advance(state, Unseen("-"), at(state.clock.uptime - 40, wall=wall)).state
        assert jumped.elapsed_seconds - state.elapsed_seconds == pytest.approx(10)
        assert jumped.phase is Phase.STEPPING


def test_an_approval_is_waited_for_and_given_once() -> None:
    waiting = good(ready(approval=(5, 100))).state
    assert waiting.phase is Phase.AWAITING_APPROVAL
    assert (percent(waiting), routing(waiting).mirror) == (0, CHALLENGER)
    assert "waits for a person" in waiting.reason
    approved = machine.advance(waiting, Approved(5, "ann"), later(waiting, 1)).state
    assert (approved.phase, percent(approved)) == (Phase.STEPPING, 5)
    assert approved.reason.endswith("approved by ann")
    again = machine.advance(approved, Approved(5, "ann"), approved.clock).state
    assert again == approved
    with pytest.raises(RolloutError, match="does not wait"):
        machine.advance(approved, Approved(100, "ann"), approved.clock)
    state = approved
    while state.phase is Phase.STEPPING:
        state = good(state).state
    assert (state.phase, percent(state)) == (Phase.AWAITING_APPROVAL, 50)
    done = machine.advance(state, Approved(100, "ann"), later(state, 1)).state
    assert (done.phase, percent(done)) == (Phase.PROMOTED, 100)
    assert machine.advance(done, Approved(100, "ann"), done.clock).state == done


def test_who_waits_for_approval_is_still_watched() -> None:
    state = stepping(1, approval=(25,))
    waiting = good(state).state
    assert (waiting.phase, percent(waiting)) == (Phase.AWAITING_APPROVAL, 5)
    assert look(waiting, exposures(5, 1000, 80, 20)).state.phase is Phase.ROLLED_BACK
    blind = unseen(waiting, 61)
    assert (blind.is_paused, percent(blind)) == (True, 0)
    seen = wait(blind, 10)
    assert percent(seen) == 5
    assert "waits for a person" in seen.reason


def test_an_approval_that_comes_too_late_is_none() -> None:
    waiting = good(stepping(1, approval=(25,), approval_hours=1)).state
    with pytest.raises(RolloutError, match="does not wait"):
        machine.advance(waiting, Approved(25, "ann"), later(waiting, HOUR))
    assert wait(waiting, HOUR).phase is Phase.ROLLED_BACK


@pytest.mark.parametrize("settings", [{"approval": (5,)}, {"approval": (100,), "steps": (5, 100)}])
def test_nobody_approves_blindly(settings) -> None:
    """Be it that the controller is gone, and nothing was written since."""
    waiting = stepping(0, **settings)
    while waiting.phase is not Phase.AWAITING_APPROVAL:
        waiting = good(waiting).state
    event = Approved(settings["approval"][0], "ann")
    with pytest.raises(RolloutError, match="no evidence has been seen for 1 min"):
        machine.advance(waiting, event, later(waiting, 60))
    blind = unseen(waiting, 61)
    with pytest.raises(RolloutError, match="no evidence has been seen"):
        machine.advance(blind, event, later(blind, 1))
    seen = wait(blind, 10)
    assert percent(machine.advance(seen, event, later(seen, 1)).state) == event.percent


def test_without_a_mirror_the_first_step_wants_to_be_seen() -> None:
    state = begun(mirror=False)
    waited = machine.advance(state, Ready(), later(state, 60)).state
    assert waited.phase is Phase.PENDING
    seen = wait(waited, 10)
    assert percent(machine.advance(seen, Ready(), later(seen, 1)).state) == 5
    late = machine.advance(waited, Ready(), later(waited, 540)).state
    assert late.phase is Phase.ABORTED


@pytest.mark.parametrize("stage", [None, 0, 2])
def test_a_person_ends_it_at_any_time(stage) -> None:
    state = begun() if stage is None else stepping(stage)
    ended = machine.advance(state, Aborted("ann", "looks odd"), later(state, 1)).state
    assert (ended.phase, percent(ended)) == (Phase.ABORTED, 0)
    assert ended.reason == "ann: looks odd"
    assert machine.advance(ended, Aborted("bob", "too"), ended.clock).state == ended


def test_what_is_promoted_is_rolled_back_by_other_means() -> None:
    state = ready()
    while not state.phase.is_final:
        state = good(state).state
    with pytest.raises(RolloutError, match="live already") as caught:
        machine.advance(state, Aborted("ann", "-"), state.clock)
    assert "evergreen rollback" in caught.value.next_step


def test_the_end_is_the_end() -> None:
    state = look(stepping(1), exposures(5, 1000, 80, 20)).state
    for event in (Ready(), Unseen("-"), Looked(Evidence(state.position, state.position + 9))):
        assert machine.advance(state, event, later(state, 99)).state == state


def test_without_a_mirror_it_starts_with_the_first_step() -> None:
    state = ready(mirror=False)
    assert (state.phase, percent(state), routing(state).mirror) == (Phase.STEPPING, 5, None)


def test_a_state_that_was_written_and_read_goes_on_alike() -> None:
    state = look(stepping(2), exposures(25, 333, 1, 2)).state
    read = decode(encode(state), "test")
    assert read == state
    assert good(read).state == good(state).state
