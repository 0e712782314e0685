"""Ticks over real logs and a real store: to the end, back, and killed at every point."""

from __future__ import annotations

import pytest

from pipelines.errors import BusyError, GatewayError, RolloutError, StateError
from pipelines.releasing.beginning import begin
from pipelines.releasing.people import abort, approve
from pipelines.releasing.ticking import Ticked, tick
from pipelines.rollout import store
from pipelines.rollout.state import Phase
from pipelines.state import leases, ledger
from pipelines.state.store import rollouts
from tests.releasing import world as worlds
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL, Killed, World

QUICK = {
    "minimum_pairs": 100,
    "minimum_requests": 100,
    "shadow_margin": 0.2,
    "alpha_promote": 0.2,
    "bad_rate": {"errors": 0.1, "timeouts": 0.1, "invalid": 0.1, "latency": 0.5},
}


def start(world: World, **settings) -> store.Stored:
    worlds.write_params(world.root, **{**QUICK, **settings})
    return begin(world.project, MODEL, None, world.sources, world.now())


def look(world: World) -> Ticked:
    return tick(world.project, MODEL, world.router, world.sources, world.now)


def drive(world: World, looks: int = 60, **traffic) -> list[Phase]:
    """Ticks with traffic in between, until the rollout is over."""
    phases = [look(world).state.phase]
    for _ in range(looks):
        if phases[-1].is_final:
            break
        world.serve(10, **traffic)
        phases.append(look(world).state.phase)
    return phases


def final(world: World):
    newest = store.latest(world.project.engine, MODEL)
    assert newest is not None
    return newest.state


def test_a_good_challenger_goes_all_the_way_and_is_live(world: World) -> None:
    start(world)
    phases = drive(world)
    assert phases[-1] is Phase.PROMOTED, final(world).reason
    seen = list(dict.fromkeys(weights.get(CHALLENGER, 0) for weights in world.router.routed))
    assert seen == [0, 5, 25, 50, 100]
    live = ledger.live(world.project.engine, MODEL)
    assert live is not None
    assert (live.version, live.previous, live.action) == (CHALLENGER, CHAMPION, ledger.PROMOTED)
    assert live.evidence["bento"] == worlds.tag(2)
    assert live.evidence["verdict"]["outcome"] == "PASSED"
    # Afterwards a tick only applies it again.
    again = look(world)
    assert again.state == final(world)
    assert len(ledger.history(world.project.engine, MODEL)) == 2


def test_a_challenger_that_fails_goes_back_while_it_is_mirrored(world: World) -> None:
    start(world)
    drive(world, bad_share=0.3)
    assert final(world).phase is Phase.ROLLED_BACK
    assert "errors" in final(world).reason
    assert all(CHALLENGER not in weights for weights in world.router.routed)
    assert ledger.live(world.project.engine, MODEL).version == CHAMPION


def test_a_challenger_that_fails_in_the_canary_goes_back_at_once(world: World) -> None:
    start(world)
    while look(world).state.phase is not Phase.STEPPING:
        world.serve(10)
    drive(world, bad_share=0.5)
    assert final(world).phase is Phase.ROLLED_BACK
    assert world.router.routed[-1] == {CHAMPION: 100}
    # Routes first, and fast; the servers are seen to after that.
    assert world.router.calls[-2:] == ["reroute", "reconcile"]


def test_other_answers_than_on_the_holdout_are_skew(world: World) -> None:
    start(world, shadow_margin=0.02, steps=[50, 100])
    drive(world, skew=0.4)
    assert final(world).phase is Phase.ROLLED_BACK
    assert "not what was trained is served" in final(world).reason


def test_a_challenger_that_never_answers_is_given_up(world: World) -> None:
    start(world, ready_minutes=1)
    world.router.ready = {CHAMPION}
    drive(world)
    assert final(world).phase is Phase.ABORTED
    assert "was not ready" in final(world).reason


def test_a_challenger_that_goes_away_is_left_alone_and_then_given_up(world: World) -> None:
    start(world, mirror=False, ready_minutes=3)
    while look(world).state.phase is not Phase.STEPPING:
        world.serve(10)
    world.serve(10)
    look(world)
    world.router.ready = {CHAMPION}
    world.seconds += 50
    ticked = look(world)
    assert ticked.unseen is None  # what it answered before it went was seen
    world.seconds += 61
    paused = look(world)
    assert (paused.state.is_paused, world.router.routed[-1]) == (True, {CHAMPION: 100})
    assert "it ended with code 1" in str(paused.unseen)
    world.seconds += 180
    assert look(world).state.phase is Phase.ABORTED


def test_nobody_is_exposed_to_what_cannot_be_seen(world: World) -> None:
    start(world)
    while look(world).state.phase is not Phase.STEPPING:
        world.serve(10)
    world.serve(10)
    [*_, newest] = sorted(world.project.home.predictions(MODEL).glob("*.parquet"))
    kept = newest.read_bytes()
    newest.write_bytes(b"damaged")
    world.seconds += 30
    blind = look(world)
    assert "cannot be read" in str(blind.unseen)
    assert not blind.state.is_paused
    world.seconds += 40
    assert look(world).state.is_paused
    assert world.router.routed[-1] == {CHAMPION: 100}
    newest.write_bytes(kept)
    world.seconds += 5
    assert not look(world).state.is_paused


def test_a_clock_that_was_set_back_shows_nothing(world: World) -> None:
    start(world)
    look(world)
    world.serve(10)
    look(world)
    world.wall_offset -= 3600
    world.seconds += 10
    assert "clock" in str(look(world).unseen)


def test_an_approval_is_waited_for(world: World) -> None:
    start(world, steps=[50, 100], approval=[100])
    assert drive(world, looks=30)[-1] is Phase.AWAITING_APPROVAL
    with pytest.raises(RolloutError, match="does not wait"):
        approve(world.project, MODEL, 50 + 1, world.router, who="ann", now=world.now())
    state = approve(world.project, MODEL, 100, world.router, who="ann", now=world.now())
    assert (state.phase, world.router.routed[-1]) == (Phase.PROMOTED, {CHALLENGER: 100})
    live = ledger.live(world.project.engine, MODEL)
    assert live is not None
    assert "approved by ann" in live.why


def test_a_person_ends_it(world: World) -> None:
    start(world)
    state = abort(world.project, MODEL, world.router, who="ann", why="odd", now=world.now())
    assert (state.phase, state.reason) == (Phase.ABORTED, "ann: odd")
    with pytest.raises(RolloutError, match="no rollout is open"):
        abort(world.project, MODEL, world.router, who="ann", why="odd")


def test_without_a_rollout_there_is_nothing_to_tick(world: World) -> None:
    with pytest.raises(RolloutError, match="there is none"):
        look(world)


def test_two_controllers_do_not_take_turns(world: World) -> None:
    start(world)
    with (
        leases.hold(world.project.engine, store.lease_name(MODEL), "another", 60),
        pytest.raises(BusyError, match="another"),
    ):
        look(world)
    assert world.router.calls == []


def test_what_a_person_decided_meanwhile_stands(world: World) -> None:
    """The rollout is ended while a tick looks: the tick writes nothing, and applies nothing."""
    start(world)
    look(world)
    world.serve(10)

    class Slow(type(world.router)):
        def reconcile(self):
            applied = super().reconcile()
            abort(world.project, MODEL, world.router, who="ann", why="odd", now=world.now())
            return applied

    slow = Slow(world.project)
    with pytest.raises(BusyError, match="taken over"):
        tick(world.project, MODEL, slow, world.sources, world.now)
    assert final(world).phase is Phase.ABORTED
    assert slow.calls == ["reconcile"]


def test_another_version_that_became_live_ends_it(world: World) -> None:
    start(world)
    look(world)
    worlds.promote(world.project.engine, world.root, 4, evidence={})
    assert look(world).state.phase is Phase.ABORTED
    assert "flights@v4 became live meanwhile" in final(world).reason


def test_params_that_change_in_the_middle_change_nothing(world: World) -> None:
    start(world)
    look(world)
    worlds.write_params(world.root, steps=[99, 100], mirror=False)
    world.serve(10)
    assert look(world).state.plan.settings.steps == (5, 25, 50, 100)


@pytest.mark.parametrize("spoil", ["{", '{"schema": 1}', '{"schema": 99}'])
def test_a_state_that_was_meddled_with_gives_the_champion_everything(world, spoil) -> None:
    start(world)
    with world.project.engine.begin() as connection:
        connection.execute(rollouts.update().values(state=spoil))
    with pytest.raises(StateError, match="changed by something else"):
        look(world)
    assert world.router.calls == ["reroute"]
    assert world.router.routed == [{CHAMPION: 100}]


def test_routes_that_cannot_be_applied_are_applied_by_the_next_tick(world: World) -> None:
    start(world, mirror=False)
    look(world)
    world.serve(10)
    world.router.error = GatewayError("does not take it", where="admin", next_step="look")
    with pytest.raises(GatewayError):
        look(world)
    world.router.error = None
    look(world)
    assert world.router.routed[-1].get(CHALLENGER) == 5


def test_it_is_promoted_and_live_or_neither(world: World, monkeypatch) -> None:
    """Killed between the two rows of one transaction."""
    start(world, steps=[50, 100])
    append = ledger.append

    def killed(connection, promotion) -> None:
        append(connection, promotion)
        raise Killed

    monkeypatch.setattr(ledger, "append", killed)
    with pytest.raises(Killed):
        drive(world)
    assert final(world).phase is Phase.STEPPING
    assert ledger.live(world.project.engine, MODEL).version == CHAMPION
    monkeypatch.undo()
    assert look(world).state.phase is Phase.PROMOTED
    assert ledger.live(world.project.engine, MODEL).version == CHALLENGER


@pytest.mark.parametrize("bad_share", [0.0, 0.4], ids=["good", "bad"])
@pytest.mark.parametrize("dies_at", range(7))
def test_killed_anywhere_it_goes_on_to_the_same_end(world: World, dies_at, bad_share) -> None:
    """Weights are those of the last written step, or the champion's, at whatever point."""
    start(world, mirror=False, steps=[50, 100])
    world.router.dies_at = {dies_at}
    deaths = 0
    for _ in range(40):
        try:
            phase = look(world).state.phase
        except Killed:
            deaths += 1
            before = world.router.routed[-1] if world.router.routed else {CHAMPION: 100}
            committed = [{CHAMPION: 100}, {CHAMPION: 50, CHALLENGER: 50}]
            if final(world).phase is Phase.PROMOTED:
                committed.append({CHALLENGER: 100})
            assert before in committed
            continue
        assert world.router.routed[-1] == worlds.desired(world.project)[0]
        if phase.is_final:
            break
        world.serve(10, bad_share=bad_share)
    wanted = Phase.ROLLED_BACK if bad_share else Phase.PROMOTED
    assert final(world).phase is wanted, final(world).reason
    assert deaths == 1 or dies_at >= len(world.router.calls)
    entries = ledger.history(world.project.engine, MODEL)
    assert len(entries) == (1 if bad_share else 2)


def test_who_was_away_applies_again_what_is_written(world: World) -> None:
    start(world)
    look(world)
    look(world)
    world.router.calls.clear()
    world.serve(10)
    state = look(world).state
    assert world.router.calls == ["reconcile"]
    # The stack takes a challenger off that nobody watches, and gives it back by what is written.
    world.router.calls.clear()
    world.serve(int(state.plan.settings.blind_seconds) + 1)
    look(world)
    assert world.router.calls[:2] == ["reconcile", "reroute"]
