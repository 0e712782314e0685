import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from pipelines.errors import DataError
from pipelines.statistics.arrays import midranks
from pipelines.statistics.auc import auc, chance_standard_error, roc_curve, weighted_auc
from tests.statistics.data import labelled


@given(labelled())
def test_agrees_with_scikit_learn_whatever_the_ties(drawn):
    labels, scores = drawn
    assert auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)


@given(labelled())
def test_turning_the_scores_round_turns_the_auc_round(drawn):
    labels, scores = drawn
    assert auc(labels, -scores) == pytest.approx(1 - auc(labels, scores), abs=1e-12)


@given(labelled(), st.integers(0, 1000))
def test_a_weight_is_a_repetition(drawn, seed):
    labels, scores = drawn
    weights = np.random.default_rng(seed).integers(1, 4, labels.size)
    repeated = auc(np.repeat(labels, weights), np.repeat(scores, weights))
    assert weighted_auc(labels, scores, weights.astype(float)) == pytest.approx(repeated, abs=1e-12)


@given(labelled())
def test_roc_points_are_those_of_scikit_learn(drawn):
    labels, scores = drawn
    curve = roc_curve(labels, scores)
    expected = metrics.roc_curve(labels, scores, drop_intermediate=False)
    assert np.allclose(curve.false_positive_rate, expected[0])
    assert np.allclose(curve.true_positive_rate, expected[1])
    assert np.array_equal(curve.threshold, expected[2])
    area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
    assert area == pytest.approx(auc(labels, scores), abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([], "no rows"),
        ([1, 1, 1], "all 3 rows have the label 1"),
        ([0, 0], "label 0"),
        ([0, 1, 2], "0 and 1"),
        ([0, 1, np.nan], "0 and 1"),
    ],
)
def test_labels_without_two_classes_have_no_auc(labels, said):
    with pytest.raises(DataError, match=said):
        auc(np.array(labels, dtype=float), np.linspace(0, 1, len(labels)))


def test_chance_spread_is_what_random_scores_show():
    labels = np.repeat([1.0, 0.0], [40, 160])
    generator = np.random.default_rng(3)
    seen = [auc(labels, generator.random(200)) for _ in range(3000)]
    assert np.std(seen) == pytest.approx(chance_standard_error(40, 160), rel=0.04)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60))
def test_midranks_are_those_of_scipy(values):
    from scipy.stats import rankdata

    found = midranks(np.array(values, dtype=float))
    np.testing.assert_array_equal(found, rankdata(values))
