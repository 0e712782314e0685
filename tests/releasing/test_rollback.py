"""Back to what was live before, whatever state everything is in."""

from __future__ import annotations

import threading

import pytest

from pipelines.errors import BusyError, GatewayError, RolloutError, WorkspaceError
from pipelines.releasing import rollback as module
from pipelines.releasing.rollback import rollback
from pipelines.rollout import store
from pipelines.rollout.state import Phase
from pipelines.state import leases, ledger
from pipelines.state.store import rollouts
from tests.releasing import world as worlds
from tests.releasing.test_ticking import look, start
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL, Recorder, World


def back(world: World, **more) -> module.RolledBack:
    return rollback(
        world.project, MODEL, world.router, **{"who": "ann", "why": "it is odd", **more}
    )


def live(world: World) -> ledger.Entry:
    found = ledger.live(world.project.engine, MODEL)
    assert found is not None
    return found


def promote(world: World, number: int, run: str | None = None) -> None:
    worlds.promote(world.project.engine, world.root, number, run)


def test_the_previous_live_version_is_back_with_all_that_it_was(world: World) -> None:
    promote(world, 2)
    done = back(world)
    assert (done.live, done.before, done.ended, done.is_repeated) == (
        CHAMPION,
        CHALLENGER,
        None,
        False,
    )
    entry = live(world)
    assert (entry.action, entry.version, entry.previous) == ("rolled back", CHAMPION, CHALLENGER)
    assert (entry.who, entry.why, entry.evidence) == ("ann", "it is odd", {"bento": worlds.tag(1)})
    # The version is its commit: model, preprocessing, schema and drift reference are in it.
    assert entry.commit == worlds.git(world.root, "rev-parse", "flights@v1.0.0^{commit}")
    assert world.router.routed[-1] == {CHAMPION: 100}


def test_only_the_fast_half_of_the_router_is_waited_for(world: World) -> None:
    promote(world, 2)
    assert back(world).seconds < 60
    assert world.router.calls == ["reroute"]


def test_an_open_rollout_is_ended_and_nothing_else(world: World) -> None:
    start(world, mirror=False)
    look(world)
    world.serve(10)
    look(world)
    assert world.router.routed[-1][CHALLENGER] == 5
    done = back(world)
    assert (done.live, done.before, done.ended) == (CHAMPION, CHAMPION, CHALLENGER)
    assert world.router.routed[-1] == {CHAMPION: 100}
    newest = store.latest(world.project.engine, MODEL)
    assert newest is not None
    assert (newest.state.phase, newest.state.reason) == (Phase.ABORTED, "ann: it is odd")
    assert len(ledger.history(world.project.engine, MODEL)) == 1


def test_it_does_not_wait_for_a_controller_that_hangs(world: World) -> None:
    start(world)
    with leases.hold(world.project.engine, store.lease_name(MODEL), "one that hangs", 600):
        assert back(world).ended == CHALLENGER


def test_a_state_that_cannot_be_read_does_not_stand_in_the_way(world: World) -> None:
    start(world)
    with world.project.engine.begin() as connection:
        connection.execute(rollouts.update().values(state="{", digest="0"))
    done = back(world)
    assert done.ended is not None
    assert done.live == CHAMPION
    assert store.current(world.project.engine, MODEL) is None
    assert world.router.routed[-1] == {CHAMPION: 100}
    [*_, change] = store.history(world.project.engine, done.ended)
    assert "ann: it is odd" in change.reason


def test_run_again_it_does_not_go_back_further(world: World, monkeypatch) -> None:
    promote(world, 2)
    promote(world, 1, "run-1-again")
    promote(world, 2, "run-2-again")
    back(world)
    again = back(world)
    assert (again.live, again.is_repeated) == (CHAMPION, True)
    assert world.router.calls == ["reroute", "reroute"]
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    with pytest.raises(RolloutError, match="no other version was live"):
        back(world)


def test_what_was_rolled_back_for_cause_is_returned_to_only_by_name(world: World) -> None:
    promote(world, 2)
    back(world)
    done = back(world, to="v2")
    assert (done.live, live(world).action) == (CHALLENGER, "rolled back")


@pytest.mark.parametrize(("to", "said"), [("v9", "no version"), ("v3", "no run that came")])
def test_a_target_that_cannot_be_served_is_refused_before_anything_is_ended(
    world: World, to, said
) -> None:
    start(world)
    with pytest.raises((RolloutError, WorkspaceError), match=said):
        back(world, to=to)
    assert store.current(world.project.engine, MODEL) is not None
    assert world.router.calls == []


def test_a_named_version_ends_a_rollout_as_well(world: World) -> None:
    start(world)
    done = back(world, to="v2")
    assert (done.live, done.ended) == (CHALLENGER, CHALLENGER)
    assert store.current(world.project.engine, MODEL) is None


def test_the_first_version_has_nothing_before_it(world: World) -> None:
    with pytest.raises(RolloutError, match="no other version was live") as caught:
        back(world)
    assert "--to" in caught.value.next_step
    assert len(ledger.history(world.project.engine, MODEL)) == 1


def test_what_is_written_and_not_applied_says_so(world: World) -> None:
    promote(world, 2)
    world.router.error = GatewayError("does not answer", where="admin", next_step="start it")
    with pytest.raises(RolloutError, match="flights@v1 is written as live") as caught:
        back(world)
    assert "run the same command again" in caught.value.next_step
    world.router.error = None
    assert back(world).is_repeated
    assert world.router.routed[-1] == {CHAMPION: 100}


def test_two_people_at_once_go_back_once(world: World) -> None:
    promote(world, 2)
    results: list[object] = []

    def one() -> None:
        try:
            found = rollback(world.project, MODEL, Recorder(world.project), who="ann", why="odd")
            results.append(found.live)
        except BusyError as error:
            results.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert CHAMPION in results
    entries = ledger.history(world.project.engine, MODEL)
    assert [entry.action for entry in entries] == ["rolled back", "promoted", "promoted"]


def test_who_else_goes_back_at_the_same_moment_goes_back_to_the_same(
    world: World, monkeypatch
) -> None:
    promote(world, 2)
    current = module.store.current
    looked: list[object] = []

    def slow(*given):
        looked.append(given)
        if len(looked) == 1:
            back(world)
        return current(*given)

    monkeypatch.setattr(module.store, "current", slow)
    assert back(world).live == CHAMPION
    entries = ledger.history(world.project.engine, MODEL)
    assert [entry.action for entry in entries] == ["rolled back", "promoted", "promoted"]


def test_a_version_that_became_live_at_the_same_moment_is_not_undone(
    world: World, monkeypatch
) -> None:
    promote(world, 2)
    require = module.require

    def slow(*given):
        found = require(*given)
        promote(world, 4)
        return found

    monkeypatch.setattr(module, "require", slow)
    with pytest.raises(BusyError, match="became live meanwhile"):
        back(world)
    assert live(world).version == "flights@v4"


def test_nothing_live_is_said(world: World, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("EVERGREEN_HOME", str(tmp_path / "empty"))
    with pytest.raises(RolloutError, match="nothing is live"):
        back(World.at(world.root))
