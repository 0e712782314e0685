"""What a sampler says depends on the seed, the slot and the history, and on nothing else."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

import pytest

from pipelines import registry
from pipelines.models.space import Choice, Knob, Value
from pipelines.tuning import samplers
from pipelines.tuning.study import suggest
from pipelines.tuning.turn import Params, Suggestion, Turn
from tests.tuning.scoring import SPACE, search
from tests.tuning.test_pruners import finished

SLOTS = range(1, 20)
LAG = 2
LEARNING = {"tpe", "genetic", "cmaes", "annealing"}
every_sampler = pytest.mark.parametrize("name", sorted(registry.SAMPLERS))
every_learning = pytest.mark.parametrize("name", sorted(LEARNING))


def suggestion(name: str, slot: int, history: list[object], seed: int = 7) -> Suggestion:
    turn = Turn(SPACE, history, slot, seed, LAG)
    found: Suggestion = registry.load(registry.SAMPLERS, name)(turn)
    return found


def ask(name: str, slot: int, seed: int = 7, history: list[object] | None = None) -> Params:
    return suggestion(name, slot, history or [], seed).params


def past(count: int) -> list[object]:
    return [
        finished(slot, [0.5, 0.6, (slot * 7 % 11) / 11], ask("random", slot))
        for slot in range(count)
    ]


def walk(
    name: str, slots: int, score: Callable[[Mapping[str, Value]], float], seed: int = 7
) -> list[Params]:
    """A whole search: every slot sees what finished `LAG` slots before it."""
    trials: list[object] = []
    tried: list[Params] = []
    for slot in range(slots):
        known = trials[: max(slot - LAG + 1, 0)]
        found = suggestion(name, slot, known, seed)
        tried.append(found.params)
        trial = finished(slot, [score(found.params)], found.params)
        trial.system_attrs = dict(found.notes)
        trials.append(trial)
    return tried


@every_sampler
def test_asked_again_it_says_the_same(name: str) -> None:
    history = past(9)
    for slot in SLOTS:
        assert ask(name, slot, history=history) == ask(name, slot, history=history)


@every_sampler
def test_it_stays_in_the_space(name: str) -> None:
    for slot in SLOTS:
        params = ask(name, slot, history=past(8))
        assert set(params) == set(SPACE)
        for knob, value in params.items():
            assert _contains(SPACE[knob], value), (knob, value)


def _contains(knob: Knob, value: object) -> bool:
    if isinstance(knob, Choice):
        return value in knob.values
    is_whole = isinstance(knob.default, int)
    return isinstance(value, int if is_whole else float) and knob.low <= value <= knob.high


@every_sampler
def test_slots_differ(name: str) -> None:
    assert len({tuple(ask(name, slot).values()) for slot in SLOTS}) > 12


@pytest.mark.parametrize("name", sorted(registry.SAMPLERS.keys() - {"grid"}))
def test_seeds_differ(name: str) -> None:
    assert ask(name, 3, seed=1) != ask(name, 3, seed=2)


def test_a_seed_is_not_its_neighbour_one_slot_later() -> None:
    assert ask("random", 4, seed=1) != ask("random", 3, seed=2)


@every_sampler
def test_some_learn_from_the_past(name: str) -> None:
    history = walked_random(20)
    learns = any(ask(name, slot, history=history) != ask(name, slot) for slot in range(21, 25))
    assert learns == (name in LEARNING)


def walked_random(count: int) -> list[object]:
    """Trials with the generation that NSGA-II would have noted on them."""
    trials = past(count)
    for slot, trial in enumerate(trials):
        trial.system_attrs = {"NSGAIISampler:generation": slot // 8}
    return trials


@every_learning
@pytest.mark.parametrize("seed", [1, 2])
def test_learning_goes_where_it_was_good(name: str, seed: int) -> None:
    """Best is the corner of small x and small n; late trials lie nearer to it than early ones."""

    def distance(params: Mapping[str, Value]) -> float:
        return float(params["x"]) + abs(float(params["n"]) - 3) / 100

    tried = walk(name, 50, lambda params: -distance(params), seed)
    early, late = tried[1:9], tried[-12:]
    assert statistics.median(map(distance, late)) < 0.6 * statistics.median(map(distance, early))


def test_genetic_breeds_from_what_it_noted() -> None:
    """The generation of a trial is kept on it: without the notes every trial is of the first."""
    trials = [
        suggestion("genetic", slot, walked_random(16)).notes["NSGAIISampler:generation"]
        for slot in (17, 30)
    ]
    assert trials == [2, 2]
    assert suggestion("genetic", 17, past(16)).notes["NSGAIISampler:generation"] == 0


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


def test_a_grid_of_billions_is_not_listed() -> None:
    wide = {f"x{number}": SPACE["x"] for number in range(20)}
    found = samplers.grid(Turn(wide, [], 5, 7)).params
    assert set(found.values()) <= {0.0, 0.5, 1.0}


def test_qmc_fills_the_space_evenly() -> None:
    """Sixteen points of a Sobol sequence have exactly one in each sixteenth of every axis."""
    xs = [float(ask("qmc", slot)["x"]) for slot in range(1, 17)]
    assert sorted(int(16 * x) for x in xs) == list(range(16))


def test_the_first_trial_tries_the_defaults_and_fixed_knobs_are_left_alone() -> None:
    fixed = search(fixed={"x": 0.25})
    assert suggest(fixed, [], 0).params == {"n": 50, "kind": "a", "x": 0.25}
    assert {suggest(fixed, [], slot).params["x"] for slot in SLOTS} == {0.25}
    assert len({suggest(fixed, [], slot).params["n"] for slot in SLOTS}) > 3


def test_when_all_is_fixed_nothing_is_sampled() -> None:
    everything = {"x": 0.1, "n": 3, "kind": "b"}
    assert suggest(search(fixed=everything, sampler="grid"), [], 5).params == everything
