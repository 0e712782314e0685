"""A worker scores parameters for every task, from a folder or from what it was sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.schema import Schema
from pipelines.tuning.cost import Cost
from pipelines.tuning.engine import Scored
from pipelines.tuning.scoring import FILES, SCHEMA_FILE, TRAIN_FILE, TUNING_FILE, Task, prepare
from pipelines.tuning.surroundings import surroundings
from tests.small import SCHEMA, table

REGRESSION = replace(
    SCHEMA, numbers=("visits", "age"), categories=("city",), target="spend", task="regression"
)
CITIES = replace(
    SCHEMA,
    numbers=("spend", "visits"),
    categories=("plan",),
    target="place",
    task="multiclass",
    classes=("Bergen", "Oslo", "Ålesund"),
)


def task(folder: Path, family: str, schema: Schema = SCHEMA, cost: Cost | None = None) -> Task:
    frame = table(1200).dropna(subset=["city"])
    frame["place"] = frame["city"].map({name: at for at, name in enumerate(CITIES.classes)})
    frame.iloc[:800].to_parquet(folder / TRAIN_FILE)
    frame.iloc[800:].to_parquet(folder / TUNING_FILE)
    schema.write(folder)
    files = {name: folder / name for name in FILES}
    return Task("shop", family, 7, cost, files, surroundings())


def scored(what: Task, **params: float) -> list[Scored]:
    return list(prepare(what)(params))


def test_a_rung_after_the_other(tmp_path: Path) -> None:
    rungs = scored(task(tmp_path, "hist_gradient_boosting"), max_iter=9)
    assert [rung.is_last for rung in rungs] == [False, False, True]
    assert [rung.cost for rung in rungs] == [None] * 3
    assert 0.7 < rungs[-1].quality < 0.95


def test_what_was_sent_scores_as_what_was_read(tmp_path: Path) -> None:
    read = task(tmp_path, "logistic")
    sent = replace(read, files={name: (tmp_path / name).read_bytes() for name in FILES})
    expected = scored(read, C=0.5)
    for name in FILES:
        (tmp_path / name).unlink()
    assert scored(sent, C=0.5) == expected


def test_an_error_counts_against(tmp_path: Path) -> None:
    """For a regression the quality is the mean absolute error with its sign turned."""
    what = task(tmp_path, "hist_gradient_boosting", REGRESSION)
    quality = scored(what, max_iter=9)[-1].quality
    spend = table(1200).dropna(subset=["city"])["spend"].to_numpy()[800:]
    assert quality == pytest.approx(-np.abs(spend - np.median(spend)).mean(), rel=0.3)


def test_several_classes(tmp_path: Path) -> None:
    what = task(tmp_path, "hist_gradient_boosting", CITIES)
    assert 0.25 < scored(what, max_iter=9)[-1].quality < 0.6


@pytest.mark.parametrize("cost", ["size", "latency"])
def test_the_last_rung_says_what_the_model_costs(tmp_path: Path, cost: Cost) -> None:
    what = task(tmp_path, "hist_gradient_boosting", cost=cost)
    rungs = scored(what, max_iter=9)
    assert [rung.cost is None for rung in rungs] == [True, True, False]
    larger = scored(what, max_iter=90)[-1].cost
    assert rungs[-1].cost is not None and larger is not None
    assert 0 < rungs[-1].cost < 20
    if cost == "size":
        assert rungs[-1].cost == scored(what, max_iter=9)[-1].cost
        assert larger > 3 * rungs[-1].cost


def test_other_code_or_libraries_refuse_to_score(tmp_path: Path) -> None:
    what = replace(task(tmp_path, "baseline"), surroundings="0" * 64)
    with pytest.raises(ModelError, match="runs other code or other versions"):
        prepare(what)
    assert SCHEMA_FILE in what.files
