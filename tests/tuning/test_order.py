"""Every sampler and pruner finds the same whatever the workers' number, speed and fate."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from pipelines import registry
from pipelines.errors import ModelError
from pipelines.tuning import study
from pipelines.tuning.engine import Params, Score, Scored
from pipelines.tuning.journal import Journal
from pipelines.tuning.objectives import directions
from pipelines.tuning.study import Search
from tests.tuning.inline import Inline
from tests.tuning.scoring import Plan, prepare, search
from tests.tuning.test_study import Table

BOTH = {"objectives": ["quality", "size"], "pruner": "none"}


def run(what: Search, folder: Path, seats: int, seed: int = 0) -> Table:
    folder.mkdir(exist_ok=True)
    journal = folder / "journal"
    store = Journal(what.key, journal, directions(what.settings.objectives))
    engine = Inline(partial(prepare, Plan(folder / "log")), seats, seed)
    return study.table(study.run(what, store, engine, lambda done, total: None))


@pytest.mark.parametrize("sampler", sorted(registry.SAMPLERS))
def test_one_worker_or_three_of_unequal_speed(tmp_path: Path, sampler: str) -> None:
    what = partial(search, workers=3, sampler=sampler, pruner="median")
    alone = run(what(trials=24), tmp_path / "alone", seats=1)
    assert {row["state"] for row in alone} >= {"COMPLETE"}
    for seed in range(2):
        assert run(what(trials=24), tmp_path / f"{seed}", seats=3, seed=seed) == alone
    # In two parts: what the sampler noted on trials has to survive in the journal.
    assert run(what(trials=17), tmp_path / "parts", seats=2) == alone[:17]
    assert run(what(trials=24), tmp_path / "parts", seats=3, seed=5) == alone


@pytest.mark.parametrize("sampler", ["tpe", "genetic", "random", "qmc", "grid"])
def test_two_objectives(tmp_path: Path, sampler: str) -> None:
    what = search(workers=3, sampler=sampler, trials=25, **BOTH)
    alone = run(what, tmp_path / "alone", seats=1)
    assert run(what, tmp_path / "three", seats=3, seed=4) == alone
    assert run(what, tmp_path / "three", seats=3) == alone  # from the journal
    assert all(row["cost"] == row["n"] for row in alone)
    assert {row["state"] for row in alone} == {"COMPLETE"}


@pytest.mark.parametrize("sampler", ["tpe", "genetic"])
def test_two_objectives_are_both_followed(tmp_path: Path, sampler: str) -> None:
    """The cost of a trial is its `n`: late trials are cheaper than those of one objective."""

    def late_costs(**settings: object) -> list[float]:
        what = search(sampler=sampler, trials=50, **{"pruner": "none", **settings})
        rows = run(what, tmp_path / f"{sorted(settings)}", seats=1)
        return sorted(float(str(row["n"])) for row in rows[-21:])

    assert late_costs(**BOTH)[10] < late_costs()[10]


def _no_number() -> Score:
    def score(params: Params) -> object:
        yield Scored(float("nan"), is_last=True)

    return score


def test_a_score_that_is_no_number_ends_the_search(tmp_path: Path) -> None:
    store = Journal("k", tmp_path / "journal", ["maximize"])
    with pytest.raises(ModelError, match="trial 0 scored nan with"):
        study.run(search(), store, Inline(_no_number, 1), lambda done, total: None)
    assert store.finished() == {}


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    for trials in (3, 5):
        store = Journal("k", tmp_path / "journal", ["maximize"])
        engine = Inline(partial(prepare, Plan(tmp_path / "log")), 1)
        study.run(search(trials=trials), store, engine, lambda *seen: told.append(seen))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3), (0, 5), (3, 5), (4, 5), (5, 5)]
