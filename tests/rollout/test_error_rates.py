"""How often a rollout is wrong, counted on simulated traffic whose truth is known.

The fast size runs always; `-m slow` and `make simulate` play the size that the goals are stated
for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.rollout_runs import HELD, PROMOTED, ROLLED_BACK, simulate
from benchmarks.rollout_traffic import Look
from benchmarks.simulate import DAY_LOOKS, IDENTICAL, REGRESSIONS, SETTINGS, upper_bound, wrong
from pipelines.rollout import machine
from pipelines.rollout.evidence import Counts, Exposure
from pipelines.rollout.state import Phase
from tests.rollout.builders import look, ready

by_name = pytest.mark.parametrize("scenario", [*IDENTICAL, *REGRESSIONS], ids=lambda s: s.name)
ENDS = {HELD: Phase.STEPPING, PROMOTED: Phase.PROMOTED, ROLLED_BACK: Phase.ROLLED_BACK}


@by_name
def test_it_is_rarely_wrong(scenario) -> None:
    count = wrong(scenario, replace(scenario, looks=min(scenario.looks, 2000)).play(100))
    assert count <= (0 if scenario.at_most == 0 else 2)


@pytest.mark.slow
@by_name
def test_the_goals_are_met(scenario) -> None:
    ends = scenario.play(2000)
    count = wrong(scenario, ends)
    if scenario in IDENTICAL:
        assert upper_bound(count, 2000) <= scenario.at_most
    else:
        assert count <= scenario.at_most * 2000


@pytest.mark.parametrize("scenario", IDENTICAL[:3], ids=lambda s: s.name)
def test_identical_versions_arrive(scenario) -> None:
    assert (scenario.play(100).end == PROMOTED).mean() >= 0.98


@pytest.mark.parametrize("scenario", REGRESSIONS, ids=lambda s: s.name)
def test_regressions_go_back_before_the_deadline(scenario) -> None:
    ends = scenario.play(100)
    assert (ends.end == ROLLED_BACK).mean() >= 0.98
    assert np.median(ends.looks) < DAY_LOOKS / 20


def test_a_test_that_does_not_know_that_it_is_repeated_is_wrong_far_more_often() -> None:
    ends = IDENTICAL[0].play(300)
    assert ends.peeked.mean() > 0.05
    assert ends.peeked.mean() > 5 * (ends.end == ROLLED_BACK).mean()


@pytest.mark.parametrize("scenario", [IDENTICAL[1], REGRESSIONS[2]], ids=lambda s: s.name)
def test_the_simulation_decides_as_the_state_machine_does(scenario) -> None:
    """The same looks, played one by one through `advance`, end the same at the same look."""
    runs = 3
    seen: dict[int, list[tuple[int, Look]]] = {run: [] for run in range(runs)}

    def watch(number, active, counted) -> None:
        for place, run in enumerate(active):
            seen[run].append((place, counted))

    ends = simulate(SETTINGS, scenario.traffic, runs=runs, looks=DAY_LOOKS, seed=3, watch=watch)
    for run in range(runs):
        state = ready(**SETTINGS.model_dump())
        for place, counted in seen[run]:
            assert not state.phase.is_final
            state = look(state, _exposures(state, counted, place, scenario)).state
        assert state.phase is ENDS[int(ends.end[run])]


def _exposures(state: machine.State, counted: Look, place: int, scenario) -> tuple[Exposure, ...]:
    weight = state.plan.stages[state.stage]
    return tuple(
        Exposure(
            metric,
            weight,
            Counts(int(counted.challenger[place]), int(counted.challenger_bad[place, column])),
            Counts(int(counted.champion[place]), int(counted.champion_bad[place, column])),
        )
        for column, metric in enumerate(scenario.traffic.rates)
    )
