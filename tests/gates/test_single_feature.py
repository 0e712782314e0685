from dataclasses import replace

import numpy as np
import pytest

from pipelines.gates.single_feature import cross_fitted, judge_single_features
from pipelines.statistics.auc import auc
from pipelines.verdicts import Outcome
from tests.gates.factories import SETTINGS, health

_, _, HOLDOUT = health()
LABELS = HOLDOUT.labels


def test_no_features_is_not_a_pass():
    verdict = judge_single_features(replace(HOLDOUT, features={}), SETTINGS)
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_the_evidence_has_a_number_for_every_feature():
    verdict = judge_single_features(HOLDOUT, SETTINGS)
    assert set(verdict.evidence["strongest"]) == set(HOLDOUT.features)
    assert 0.5 < verdict.evidence["strongest"]["distance"] < 0.7


@pytest.mark.parametrize("rows_per_value", [1, 2, 3, 10])
def test_an_identifier_knows_nothing_of_its_own_label(rows_per_value):
    # The in-sample rate of the same identifiers is the contrast: it looks like an oracle.
    owner = np.random.default_rng(1).permutation(LABELS.size) // rows_per_value
    own_rate = (np.bincount(owner, LABELS) / np.bincount(owner))[owner]
    assert auc(LABELS, cross_fitted(LABELS, owner, LABELS, seed=1)[:, 0]) < 0.52
    assert auc(LABELS, own_rate) > (0.98 if rows_per_value == 1 else 0.7)


def test_a_telling_category_is_found_by_its_rate():
    telling = np.where(LABELS == 1, "late", "fine")
    assert auc(LABELS, cross_fitted(LABELS, telling, LABELS, seed=1)[:, 0]) == 1.0


def test_a_feature_that_is_never_there_is_read_without_trouble():
    empty = {"never": np.full(LABELS.size, np.nan), "blank": np.full(LABELS.size, "")}
    verdict = judge_single_features(replace(HOLDOUT, features=empty), SETTINGS)
    assert verdict.has_passed
    assert verdict.evidence["strongest"]["never"] == pytest.approx(0.5, abs=0.01)


CLASSES = np.random.default_rng(2).integers(0, 3, LABELS.size).astype(float)
DELAYS = np.random.default_rng(3).normal(10, 30, LABELS.size)


@pytest.mark.parametrize(("task", "truth"), [("multiclass", CLASSES), ("regression", DELAYS)])
def test_other_tasks_find_their_leaks_and_nothing_else(task, truth):
    generator = np.random.default_rng(4)
    features = {
        "noise": generator.normal(size=truth.size),
        "hint": truth + generator.normal(0, 2 * truth.std(), truth.size),
        "kind": generator.choice(["a", "b"], truth.size),
        "identifier": generator.permutation(truth.size).astype(str),
    }
    honest = replace(HOLDOUT, task=task, labels=truth, features=features)
    verdict = judge_single_features(honest, SETTINGS)
    assert verdict.has_passed, verdict.reason
    assert verdict.evidence["strongest"]["hint"] > verdict.evidence["strongest"]["noise"]
    leaking = replace(honest, features={**features, "leak": -truth})
    verdict = judge_single_features(leaking, SETTINGS)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith("leak alone")
