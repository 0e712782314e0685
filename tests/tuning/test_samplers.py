"""What a trial tries depends on the seed, its slot and its history, and lies in the space."""

from __future__ import annotations

import pytest

from pipelines import registry
from pipelines.models.space import Choice, Knob
from pipelines.tuning import samplers
from pipelines.tuning.samplers import History, Params
from pipelines.tuning.study import suggest
from tests.tuning.scoring import SPACE, search
from tests.tuning.test_pruners import finished

SLOTS = range(1, 20)
every_sampler = pytest.mark.parametrize("name", sorted(registry.SAMPLERS))


def ask(name: str, slot: int, seed: int = 7, history: History = ()) -> Params:
    sampled: Params = registry.load(registry.SAMPLERS, name)(SPACE, history, slot, seed)
    return sampled


def past(count: int) -> list[object]:
    return [
        finished(slot, [0.5, 0.6, (slot * 7 % 11) / 11], ask("random", slot))
        for slot in range(count)
    ]


@every_sampler
def test_asked_again_it_says_the_same(name: str) -> None:
    history = past(9)
    for slot in SLOTS:
        assert ask(name, slot, history=history) == ask(name, slot, history=history)


@every_sampler
def test_it_stays_in_the_space(name: str) -> None:
    for slot in SLOTS:
        params = ask(name, slot, history=past(8))
        assert list(params) == list(SPACE)
        for knob, value in params.items():
            assert _contains(SPACE[knob], value), (knob, value)


def _contains(knob: Knob, value: object) -> bool:
    if isinstance(knob, Choice):
        return value in knob.values
    return isinstance(value, int | float) and knob.low <= value <= knob.high


@every_sampler
def test_slots_differ(name: str) -> None:
    assert len({tuple(ask(name, slot).values()) for slot in SLOTS}) > 12


@pytest.mark.parametrize("name", ["tpe", "random", "qmc"])
def test_seeds_differ(name: str) -> None:
    assert ask(name, 3, seed=1) != ask(name, 3, seed=2)


def test_a_seed_is_not_its_neighbour_one_slot_later() -> None:
    assert ask("random", 4, seed=1) != ask("random", 3, seed=2)


def test_only_tpe_learns_from_the_past() -> None:
    for name in registry.SAMPLERS:
        learns = ask(name, 15, history=past(10)) != ask(name, 15)
        assert learns == (name == "tpe"), name


def test_tpe_goes_where_it_was_good() -> None:
    """After forty trials that say that small x is best, it tries small x more often than not."""
    history = []
    for slot in range(40):
        params = ask("random", slot)
        history.append(finished(slot, [1 - float(params["x"])], params))
    tried = [float(ask("tpe", slot, history=history)["x"]) for slot in range(40, 60)]
    assert sum(x < 0.35 for x in tried) >= 15


def test_the_grid_is_walked_once_before_it_starts_over() -> None:
    size = 3 * 3 * 2
    visited = {tuple(ask("grid", slot).values()) for slot in range(1, size + 1)}
    assert len(visited) == size
    assert ask("grid", size + 1) == ask("grid", 1)


def test_qmc_fills_the_space_evenly() -> None:
    """Sixteen points of a Sobol sequence have exactly one in each sixteenth of every axis."""
    xs = [float(ask("qmc", slot)["x"]) for slot in range(1, 17)]
    assert sorted(int(16 * x) for x in xs) == list(range(16))


def test_the_first_trial_tries_the_defaults_and_fixed_knobs_are_left_alone() -> None:
    fixed = search(fixed={"x": 0.25})
    assert suggest(fixed, [], 0) == {"n": 50, "kind": "a", "x": 0.25}
    assert {suggest(fixed, [], slot)["x"] for slot in SLOTS} == {0.25}
    assert len({suggest(fixed, [], slot)["n"] for slot in SLOTS}) > 3


def test_when_all_is_fixed_nothing_is_sampled() -> None:
    everything = {"x": 0.1, "n": 3, "kind": "b"}
    assert suggest(search(fixed=everything, sampler="grid"), [], 5) == everything


def test_every_sampler_is_in_the_registry() -> None:
    assert {name for name in registry.SAMPLERS if hasattr(samplers, name)} == set(registry.SAMPLERS)
