"""CMA-ES is told whole generations, in the order of the slots, and ranks nothing else."""

from __future__ import annotations

import itertools

from optuna.trial import TrialState

from pipelines.tuning import evolution
from pipelines.tuning.turn import Turn
from tests.tuning.scoring import SPACE
from tests.tuning.test_pruners import finished
from tests.tuning.test_samplers import LAG, ask, past


def test_cmaes_is_told_whole_generations_only() -> None:
    """What it samples changes when a generation is complete, and not in between."""
    turn = Turn(SPACE, past(40), 45, 7, LAG)
    size = evolution._strategy(turn, 2).population_size
    generations = list(evolution._generations(turn, size))
    slots = [[trial.user_attrs["slot"] for trial in generation] for generation in generations]
    assert slots[0] == list(range(1, 1 + size))
    for earlier, later in itertools.pairwise(slots):
        # The first slot that knew of all of the generation before.
        assert later == list(range(earlier[-1] + LAG, earlier[-1] + LAG + size))
    assert slots[-1][-1] < 40


def test_cmaes_ranks_what_was_pruned_last() -> None:
    good, bad, stopped = (finished(slot, [score]) for slot, score in enumerate([0.5, 0.1, 0.9]))
    stopped.state = TrialState.PRUNED
    numeric = {"x": SPACE["x"].distribution()}
    ranks = evolution._ranked([stopped, bad, good], numeric)
    assert [rank for _, rank in ranks] == [0.0, 1.0, 2.0]
    assert evolution._ranked([good, bad, stopped], numeric)[2][1] == 2.0


def test_a_generation_moves_the_distribution() -> None:
    """Between two generations its centre stays; what is sampled around it differs by slot."""

    def centre(known: int) -> list[float]:
        turn = Turn(SPACE, past(known), known + LAG - 1, 7, LAG)
        strategy = evolution._strategy(turn, 2)
        numeric = {name: SPACE[name].distribution() for name in ("x", "n")}
        for generation in evolution._generations(turn, strategy.population_size):
            strategy.tell(evolution._ranked(generation, numeric))
        return list(strategy.mean)

    size = evolution._strategy(Turn(SPACE, [], 1, 7, LAG), 2).population_size
    assert centre(size) == [0.5, 0.5]  # slot 0, the defaults, is of no generation
    assert centre(size + 1) != [0.5, 0.5]
    assert centre(size + 2) == centre(size + 1)


def test_choices_are_learned_too() -> None:
    """The choice that scored well is sampled more often than the other."""
    history = []
    for slot in range(40):
        params = ask("random", slot)
        history.append(finished(slot, [float(params["kind"] == "b")], params))
    kinds = [ask("cmaes", slot, history=history)["kind"] for slot in range(40, 60)]
    assert kinds.count("b") >= 14
