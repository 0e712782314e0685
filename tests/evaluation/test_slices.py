"""The same measure on parts of the rows, where there are enough."""

from __future__ import annotations

import numpy as np

from pipelines.evaluation.metrics import Certainty
from pipelines.evaluation.slices import FEWEST_ROWS, slices
from pipelines.statistics.auc import auc
from pipelines.statistics.blocks import Blocks
from tests.evaluation.test_metrics import classes, delays, sample

CERTAINTY = Certainty(rounds=100, confidence=0.95, seed=3)


def test_every_value_of_every_column_the_largest_first() -> None:
    labels, scores, blocks = sample()
    city = np.array(["Oslo"] * 1200 + ["Bergen"] * 750 + ["Ålesund"] * 50, dtype=object)
    plan = np.array(["basic", "full"] * 1000, dtype=object)
    found = slices("binary", {"city": city, "plan": plan}, (labels, scores), blocks, CERTAINTY)
    assert [(each.column, each.value, each.rows) for each in found] == [
        ("city", "Oslo", 1200),
        ("city", "Bergen", 750),
        ("city", "Ålesund", 50),
        ("plan", "basic", 1000),
        ("plan", "full", 1000),
    ]
    for each, mask in zip(
        found, [city == "Oslo", city == "Bergen", city == "Ålesund"], strict=False
    ):
        assert each.observed == labels[mask].mean()
        assert each.predicted == scores[mask].mean()
        if each.quality:
            assert each.quality.value == auc(labels[mask], scores[mask])
            assert each.quality.low <= each.quality.value <= each.quality.high
    assert found[2].quality is None  # fewer than thirty of a class


def test_just_enough_of_a_class_and_one_too_few() -> None:
    rows = 200
    scores = np.linspace(0.01, 0.99, rows)
    everything = {"all": np.array(["x"] * rows, dtype=object)}
    blocks = Blocks.of(np.arange(rows) % 10)
    for positives, is_enough in ((FEWEST_ROWS, True), (FEWEST_ROWS - 1, False)):
        for labels in (np.arange(rows) < positives, np.arange(rows) >= positives):
            (found,) = slices(
                "binary", everything, (labels.astype(np.int64), scores), blocks, CERTAINTY
            )
            assert (found.quality is not None) == is_enough


def test_one_block_says_nothing_of_others() -> None:
    labels, scores, _ = sample()
    everything = {"all": np.array(["x"] * 2000, dtype=object)}
    (found,) = slices("binary", everything, (labels, scores), Blocks.of(np.zeros(2000)), CERTAINTY)
    assert found.quality is None


def test_no_columns_no_slices() -> None:
    labels, scores, blocks = sample()
    assert slices("binary", {}, (labels, scores), blocks, CERTAINTY) == []


def test_other_tasks_count_rows_and_not_classes() -> None:
    truth, values, blocks = delays()
    column = {"kind": np.array(["a"] * 1975 + ["b"] * 25, dtype=object)}
    many, few = slices("regression", column, (truth, values), blocks, CERTAINTY)
    assert many.quality is not None
    assert many.quality.value == np.abs(truth - values)[:1975].mean()
    assert many.observed == truth[:1975].mean()
    assert few.quality is None
    labels, scores, blocks = classes()
    (found, _) = slices("multiclass", column, (labels, scores), blocks, CERTAINTY)
    assert found.observed is None
    assert found.quality is not None
    assert found.quality.value == (scores.argmax(axis=1) == labels)[:1975].mean()
