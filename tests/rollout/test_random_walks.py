"""Random sequences of events, kills and clock jumps: what holds after each of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Work
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pipelines.errors import BusyError, RolloutError
from pipelines.rollout import machine, store
from pipelines.rollout.events import Aborted, Approved, Event, Looked, Ready, Unseen
from pipelines.rollout.evidence import Counts, Evidence, Exposure
from pipelines.rollout.instant import Instant
from pipelines.rollout.routing import Routing, routing
from pipelines.rollout.state import Phase, State
from pipelines.state import store as state_store
from tests.rollout.builders import METRICS, REGISTERED, pairs, plan

SETTINGS = st.fixed_dictionaries(
    {
        "mirror": st.just(True),
        "steps": st.sampled_from([(5, 25, 50, 100), (1, 100), (30, 60, 100)]),
        "approval": st.sampled_from([(), (100,), (100,)]),
        "deadline_hours": st.sampled_from([24.0, 1.0]),
        "minimum_hours": st.sampled_from([0.0, 0.0, 0.1]),
    }
)


class Walk(RuleBasedStateMachine):
    """One model, one store, and a controller that may be killed before or after it has written."""

    reached: ClassVar[set[Phase]] = set()
    folder: ClassVar[Path]
    number = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.engine = state_store.connect(self.folder / f"{next(self.number)}.db")
        self.wall, self.uptime, self.boot = 1e9, 100.0, 0
        self.real = 0.0
        self.opened = 0
        self.stored: store.Stored | None = None
        # What the gateway was told last, by the rule that a lower generation is ignored.
        self.applied: Routing | None = None
        self.is_dead = False

    def teardown(self) -> None:
        self.engine.dispose()

    @property
    def now(self) -> Instant:
        return Instant(self.wall, self.uptime, "h", str(self.boot))

    @initialize(settings=SETTINGS, is_ready=st.booleans())
    def first(self, settings, is_ready) -> None:
        self.settings = settings
        self._open()
        if is_ready:
            self._tick(Ready())

    def _open(self) -> None:
        self.opened += 1
        chosen = plan(f"r-{self.opened}", **self.settings)
        state = machine.begin(chosen, REGISTERED, 0.0, self.now)
        # Opened by the command line, which applies the first routing itself.
        self.stored = store.open_new(self.engine, state)
        self.applied, self.is_dead = routing(state), False

    @property
    def state(self) -> State:
        assert self.stored is not None
        return self.stored.state

    def _tick(self, event: Event, killed: str = "never") -> None:
        if self.is_dead:
            return
        before = self.state
        try:
            advance = machine.advance(before, event, self.now)
        except RolloutError:
            return
        again = machine.advance(advance.state, event, self.now).state
        assert again == advance.state, "the same tick twice"
        self.is_dead = killed != "never"
        if killed == "before writing":
            return
        assert self.stored is not None
        self.stored = store.save(self.engine, self.stored, advance.state, advance.verdict)
        self.reached.add(advance.state.phase)
        if killed == "before applying":
            return
        self._apply(advance.routing)

    def _apply(self, told: Routing) -> None:
        assert self.applied is not None
        if told != self.applied:
            assert told.generation > self.applied.generation
        self.applied = told

    @rule(seconds=st.sampled_from([1.0, 10.0, 61.0, 400.0, 4000.0]))
    def time_passes(self, seconds) -> None:
        self.wall += seconds
        self.uptime += seconds
        self.real += seconds

    @rule(jump=st.sampled_from([-1e6, -3600.0, 3600.0, 1e6]))
    def the_wall_clock_is_set(self, jump) -> None:
        self.wall += jump

    @rule()
    def the_machine_restarts(self) -> None:
        self.boot += 1
        self.uptime = 5.0

    @rule()
    def the_challenger_is_ready(self) -> None:
        self._tick(Ready())

    @rule(times=st.integers(1, 3))
    def good_looks(self, times) -> None:
        for _ in range(times):
            if self.is_dead:
                self.a_controller_is_replaced()
            self._look(requests=20_000, bad=0)

    @rule(steps=st.integers(1, 4))
    def all_goes_well(self, steps) -> None:
        self._tick(Ready())
        for _ in range(steps):
            self.good_looks(1)
            if self.state.phase is Phase.AWAITING_APPROVAL and steps > 2:
                self._tick(Approved(100, "ann"))

    @rule(
        bad=st.sampled_from([0, 1, 40]),
        requests=st.sampled_from([0, 100, 20_000]),
        killed=st.sampled_from(["never", "before writing", "before applying"]),
    )
    def any_look(self, requests, bad, killed) -> None:
        self._look(requests, bad, killed)

    def _look(self, requests, bad, killed="never") -> None:
        weight = self.state.plan.stages[self.state.stage]
        canary = Counts(requests, min(bad, requests))
        seen = tuple(Exposure(name, weight, canary, Counts(20_000, 5)) for name in METRICS)
        position = self.state.position
        self._tick(Looked(Evidence(position, position + 10, seen, pairs(20_000))), killed)

    @rule(seconds=st.sampled_from([10.0, -10.0]))
    def a_look_that_does_not_fit(self, seconds) -> None:
        begin = self.state.position + seconds
        self._tick(Looked(Evidence(begin, begin + 5)))

    @rule()
    def nothing_is_seen(self) -> None:
        self._tick(Unseen("no answer"))

    @rule(percent=st.sampled_from([25, 100]))
    def a_person_approves(self, percent) -> None:
        self._tick(Approved(percent, "ann"))

    @precondition(lambda self: self.state.stage >= 1)
    @rule()
    def a_person_aborts(self) -> None:
        self._tick(Aborted("ann", "odd"))

    @rule()
    def a_controller_is_replaced(self) -> None:
        late = self.stored
        assert late is not None
        if self.state.phase.is_final:
            assert store.latest(self.engine, "alpha") == late
        else:
            self.stored = store.claim(self.engine, "alpha")
            assert self.stored.state == late.state
            # Whatever the late one still wants to write is refused.
            changed = machine.advance(late.state, Aborted("late", "-"), self.now).state
            with pytest.raises(BusyError):
                store.save(self.engine, late, changed)
        # The first thing that the new one does is to apply what was written.
        self.is_dead = False
        self._apply(routing(self.state))

    @rule()
    def another_begins(self) -> None:
        is_over = self.state.phase.is_final
        try:
            self._open()
        except BusyError:
            assert not is_over
            self.opened -= 1
        else:
            assert is_over

    @invariant()
    def the_weights_are_right(self) -> None:
        if self.stored is None:
            return
        told = routing(self.state)
        assert sum(told.weights.values()) == 100
        assert all(0 <= weight <= 100 for weight in told.weights.values())
        assert set(told.weights) <= REGISTERED
        allowed = {0, *self.state.plan.settings.steps}
        assert told.weights[self.state.plan.challenger] in allowed
        is_exposed = told.weights[self.state.plan.challenger] > 0
        if self.state.is_paused or self.state.phase in (
            Phase.PENDING,
            Phase.MIRRORING,
            Phase.ROLLED_BACK,
            Phase.ABORTED,
        ):
            assert not is_exposed
        if is_exposed and not self.state.phase.is_final:
            unseen = self.state.elapsed_seconds - self.state.seen_seconds
            assert unseen < self.state.plan.settings.blind_seconds
        if not self.is_dead:
            assert self.applied == told

    @invariant()
    def at_most_one_is_open_and_it_is_the_one_that_was_written(self) -> None:
        if self.stored is None:
            return
        found = store.current(self.engine, "alpha")
        assert (found is None) == self.state.phase.is_final
        assert found is None or found == self.stored

    @invariant()
    def no_clock_makes_time(self) -> None:
        if self.stored is not None and self.boot == 0:
            assert self.state.elapsed_seconds <= self.real + 1e-6


def test_whatever_happens_the_weights_are_right(tmp_path: Path) -> None:
    Walk.reached, Walk.folder = set(), tmp_path
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            # A walk of thirty steps takes minutes to shorten, and says enough as it is.
            phases=[Work.generate],
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    far = {Phase.MIRRORING, Phase.STEPPING, Phase.PROMOTED, Phase.ROLLED_BACK}
    assert far <= Walk.reached, "walks that do not go far show little"
