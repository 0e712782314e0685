"""Realised and promised quality, and the detector of a loss above its limit."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from pipelines.monitoring import answers, baseline, labelled, quality
from pipelines.monitoring.answers import Scored
from pipelines.monitoring.baseline import Baseline
from pipelines.monitoring.columns import Expected
from pipelines.monitoring.comparing import NumberReference
from pipelines.monitoring.quality import Watch
from pipelines.settings import LogSettings, MonitorSettings
from tests.model_folder import SCHEMA
from tests.monitoring.factories import NAME, NOON, World, flights
from tests.predictions.factories import MULTICLASS, REGRESSION

DAY = timedelta(days=1)
MONITOR = MonitorSettings()
EXPECTED = Expected.of(SCHEMA, LogSettings())


@pytest.fixture
def made(world: World) -> Baseline:
    return baseline.of_version(world.files, MONITOR)


def test_the_live_quality_is_that_of_the_holdout_while_nothing_changes(
    world: World, made: Baseline
) -> None:
    rows = flights(3000, 1)
    ids = world.answer(rows, NOON - DAY)
    world.tell(ids, rows["late"], NOON - DAY)
    joined = labelled.join(
        world.logs, NAME, NOON - 30 * DAY, NOON + DAY, EXPECTED, world.folder / "l.parquet"
    )
    found = quality.realised(joined, made, 2000)
    assert found.labels == 2000
    assert found.quality is not None
    assert found.quality.low < found.at_release < found.quality.high
    watch = quality.follow(quality.begin_watch(made, MONITOR), joined, made)
    assert watch.detector.count == 3000
    assert not watch.detector.has_alarmed(1e5)
    assert Watch.from_json(watch.to_json()) == watch
    # What was followed is not followed again.
    assert quality.follow(watch, joined, made).detector.count == 3000
    assert watch.rearmed().detector.count == 0


def test_surer_answers_promise_more(made: Baseline) -> None:
    reference = made.score_reference
    assert isinstance(reference, NumberReference)
    draw = np.random.default_rng(0)
    same = reference.see(np.repeat(reference.steps.points, reference.steps.counts))
    unsure = reference.see(draw.uniform(0.45, 0.55, 3000))
    first, second = quality.estimated(same, made), quality.estimated(unsure, made)
    assert first is not None
    assert second is not None
    assert first.value == pytest.approx(first.at_release)
    assert second.drop > 0.05
    assert first.at_release == pytest.approx(made.quality.value, abs=0.03)


def test_the_limit_leaves_room_for_the_holdout_being_small(made: Baseline) -> None:
    limit = quality.loss_limit(made, MONITOR)
    assert limit > made.loss.value * (1 + MONITOR.loss_margin)
    assert quality.loss_limit(made, MonitorSettings(loss_margin=100)) == 0.95


def test_answers_of_each_task_become_scores_and_losses() -> None:
    logged = pa.table(
        {"output_probabilities": pa.array([[0.2, 0.8], None], pa.list_(pa.float64(), 2))}
    )
    scores = answers.scores_of(logged, MULTICLASS)
    assert scores[0].tolist() == [0.2, 0.8]
    assert np.isnan(scores[1]).all()
    lost = answers.losses(MULTICLASS, np.array([1]), scores[:1], 1.0)
    assert lost == pytest.approx([0.04])
    numbers, names = answers.output_columns(Scored(scores[:1], np.array([1])), MULTICLASS)
    assert numbers["confidence"].tolist() == [0.8]
    assert names["label"].tolist() == ["dog"]
    off = answers.losses(REGRESSION, np.array([1.0, 100.0]), np.array([2.0, 0.0]), 10.0)
    assert off.tolist() == [0.1, 1.0]
    value = Scored(np.array([3.0]), np.array([0]))
    assert list(answers.output_columns(value, REGRESSION)[0]) == ["value"]


def test_texts_that_are_no_labels_are_unknown() -> None:
    told = pa.array(["cat", "dog", "cow", None])
    assert np.isnan(answers.truths(told, MULTICLASS)).tolist() == [False, False, True, True]
    assert answers.truths(pa.array(["1.5", "x", None]), REGRESSION)[0] == 1.5
    assert np.isnan(answers.truths(pa.array(["x", None]), REGRESSION)).all()
    assert answers.truths(pa.array(["1", "0"]), SCHEMA).tolist() == [1.0, 0.0]
