"""Random sequences of traffic, ticks, people, kills and clock jumps, on a real store."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import ClassVar

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Work
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pipelines.errors import BusyError, EvergreenError, RolloutError
from pipelines.observing.observe import watermark
from pipelines.releasing import ids, rollback
from pipelines.releasing.people import approve
from pipelines.releasing.project import Project
from pipelines.releasing.ticking import tick
from pipelines.rollout import machine, store
from pipelines.rollout.plan import Expected, Plan
from pipelines.rollout.state import Phase
from pipelines.settings import RolloutSettings
from pipelines.state import ledger
from pipelines.state import store as state_store
from tests.observing.traffic import Traffic
from tests.releasing.world import (
    CHALLENGER,
    CHAMPION,
    MODEL,
    Killed,
    Recorder,
    World,
    desired,
)

SETTINGS = st.fixed_dictionaries(
    {
        "mirror": st.just(False),
        "metrics": st.just(("errors", "timeouts", "latency")),
        "steps": st.sampled_from([(5, 25, 100), (50, 100)]),
        "approval": st.sampled_from([(), (100,)]),
        "minimum_requests": st.just(50),
        "alpha_promote": st.just(0.5),
        "bad_rate": st.just({"errors": 0.2, "timeouts": 0.2, "invalid": 0.2, "latency": 0.5}),
    }
)


class Walk(RuleBasedStateMachine):
    """One model whose releases people, ticks and accidents happen to."""

    made: ClassVar[Path]
    folder: ClassVar[Path]
    reached: ClassVar[set[Phase]] = set()
    kills: ClassVar[int] = 0
    number = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        place = self.folder / f"{next(self.number)}.db"
        shutil.copy(self.made / ".evergreen" / "state.db", place)
        known = Project.at(self.made)
        project = Project(known.root, known.home, state_store.connect(place), known.repository)
        known.engine.dispose()
        self.world = World(self.made, project, Traffic(self.folder / "none"), Recorder(project))
        self.is_settled = True
        self.settings: dict[str, object] = {}

    def teardown(self) -> None:
        self.world.project.engine.dispose()

    @property
    def engine(self) -> sa.Engine:
        return self.world.project.engine

    @initialize(chosen=SETTINGS)
    def first(self, chosen) -> None:
        self.settings = chosen
        self.another_begins()

    @rule()
    def another_begins(self) -> None:
        now, live = self.world.now(), ledger.live(self.engine, MODEL)
        assert live is not None
        other = CHALLENGER if live.version == CHAMPION else CHAMPION
        plan = Plan(
            ids.new(other, now.wall),
            MODEL,
            live.version,
            other,
            40.0,
            Expected(0.1, 0.1),
            RolloutSettings(**self.settings),
        )
        state = machine.begin(plan, {CHAMPION, CHALLENGER}, watermark(now.wall), now)
        was_open = store.current(self.engine, MODEL) is not None
        try:
            store.open_new(self.engine, state)
        except BusyError:
            assert was_open
        else:
            assert not was_open

    @rule(
        seconds=st.sampled_from([1, 10, 30]),
        bad_share=st.sampled_from([0.0, 0.0, 0.0, 0.6]),
    )
    def requests_come(self, seconds, bad_share) -> None:
        world = self.world
        stored = store.latest(self.engine, MODEL)
        assert stored is not None
        plan = stored.state.plan
        weights = world.router.routed[-1] if world.router.routed else {plan.champion: 100}
        percent = weights.get(plan.challenger, 0)
        for number in range(seconds * 10):
            at = world.begun + world.seconds + world.wall_offset + number / 10
            arm = plan.challenger if (number * 61) % 100 < percent else plan.champion
            is_bad = arm == plan.challenger and (number * 37) % 100 < 100 * bad_share
            world.traffic.add(at, arm, weights=weights, has_failed=is_bad)
        world.seconds += seconds

    @rule(seconds=st.sampled_from([5.0, 61.0, 4000.0, 90_000.0]))
    def nothing_happens(self, seconds) -> None:
        self.world.seconds += seconds

    @rule(jump=st.sampled_from([-3600.0, 3600.0, 1e6]))
    def the_wall_clock_is_set(self, jump) -> None:
        self.world.wall_offset += jump

    @rule(ready=st.sampled_from([{CHAMPION, CHALLENGER}, {CHAMPION, CHALLENGER}, {CHAMPION}]))
    def servers_come_and_go(self, ready) -> None:
        self.world.router.ready = set(ready)

    @rule(dies_in=st.sampled_from([None, 0, 1]))
    def a_tick(self, dies_in) -> None:
        self._tick(dies_in)

    @rule(
        looks=st.integers(2, 8),
        bad_share=st.sampled_from([0.0, 0.0, 0.6]),
        killed_at=st.integers(0, 12),
        dies_in=st.sampled_from([0, 1]),
    )
    def it_is_driven(self, looks, bad_share, killed_at, dies_in) -> None:
        self.world.router.ready = {CHAMPION, CHALLENGER}
        for number in range(looks):
            self._tick(dies_in if number == killed_at else None)
            self.requests_come(10, bad_share)
        self._tick(None)

    def _tick(self, dies_in) -> None:
        router = self.world.router
        router.dies_at = set() if dies_in is None else {len(router.calls) + dies_in}
        try:
            done = tick(
                self.world.project, MODEL, router, self.world.traffic.sources, self.world.now
            )
        except Killed:
            type(self).kills += 1
            self.is_settled = False
        else:
            self.is_settled = True
            self.reached.add(done.state.phase)
        finally:
            router.dies_at = set()

    @rule(percent=st.sampled_from([25, 100]))
    def a_person_approves(self, percent) -> None:
        world = self.world
        try:
            approve(world.project, MODEL, percent, world.router, who="ann", now=world.now())
        except RolloutError:
            return
        self.is_settled = True

    @rule(to=st.sampled_from([None, None, "v1", "v3", "v9"]), is_killed=st.booleans())
    def a_person_rolls_back(self, to, is_killed) -> None:
        world = self.world
        if is_killed:
            world.router.dies_at = {len(world.router.calls)}
        before = ledger.live(self.engine, MODEL)
        try:
            done = rollback.rollback(world.project, MODEL, world.router, to=to, who="a", why="-")
        except Killed:
            type(self).kills += 1
            self.is_settled = False
        except EvergreenError:
            # Refused as a whole: what was routed is what was routed.
            assert ledger.live(self.engine, MODEL) == before
        else:
            self.is_settled = True
            assert world.router.routed[-1] == {done.live: 100}
            assert store.current(self.engine, MODEL) is None
        finally:
            world.router.dies_at = set()

    @invariant()
    def what_is_routed_is_what_is_written(self) -> None:
        for weights in self.world.router.routed[-3:]:
            assert sum(weights.values()) == 100
            assert set(weights) <= {CHAMPION, CHALLENGER}
        if self.is_settled and self.world.router.routed:
            told, mirror = desired(self.world.project)
            assert (self.world.router.routed[-1], self.world.router.mirrors[-1]) == (told, mirror)

    @invariant()
    def what_is_promoted_is_live_or_was(self) -> None:
        entries = ledger.history(self.engine, MODEL)
        runs = {entry.run for entry in entries}
        for each in store.listed(self.engine, MODEL):
            last = store.history(self.engine, each.id)[-1]
            assert (f"rollout {each.id}" in runs) == (last.phase == Phase.PROMOTED)
        opened = [each for each in store.listed(self.engine, MODEL) if each.finished is None]
        assert len(opened) <= 1


def test_whatever_happens_what_is_routed_is_what_is_written(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "AGAIN_SECONDS", 0.0)
    monkeypatch.delenv("EVERGREEN_HOME", raising=False)
    Walk.reached, Walk.kills, Walk.folder, Walk.made = set(), 0, tmp_path, made
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            phases=[Work.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    far = {Phase.STEPPING, Phase.PROMOTED, Phase.ROLLED_BACK}
    assert far <= Walk.reached, "walks that do not go far show little"
    assert Walk.kills > 3


def test_the_walk_can_fail(made: Path, tmp_path: Path) -> None:
    """A router that routes something else is found out."""
    Walk.folder, Walk.made = tmp_path, made
    walk = Walk()
    walk.world.router.routed.append({CHAMPION: 50})
    walk.world.router.mirrors.append(None)
    with pytest.raises(AssertionError):
        walk.what_is_routed_is_what_is_written()
    walk.teardown()
