import math

import numpy as np
import pytest
from hypothesis import given

from pipelines.statistics.auc import auc
from pipelines.statistics.delong import auc_estimate, paired_difference, placements
from tests.statistics.data import labelled, sample


def by_pairs(labels, scores):
    """DeLong's structural components by comparing every pair, as the 1988 paper defines them."""
    above, below = scores[labels == 1][:, None], scores[labels == 0][None, :]
    won = (above > below) + 0.5 * (above == below)
    return won.mean(axis=1), won.mean(axis=0)


@given(labelled())
def test_midranks_give_the_placements_of_every_pair(drawn):
    labels, scores = drawn
    for fast, slow in zip(placements(labels, scores), by_pairs(labels, scores), strict=True):
        assert np.allclose(fast, slow, atol=1e-12)


@given(labelled(columns=2))
def test_difference_is_the_difference_of_aucs(drawn):
    labels, first, second = drawn
    estimate = paired_difference(labels, first, second)
    assert estimate.value == pytest.approx(auc(labels, first) - auc(labels, second), abs=1e-12)


def test_variance_is_that_of_the_covariance_matrix():
    labels, first = sample(300, 1)
    second = np.clip(first + np.random.default_rng(2).normal(0, 0.2, 300), 0, 1)
    one, other = by_pairs(labels, first), by_pairs(labels, second)
    contrast = np.array([1, -1])
    matrix = sum(np.cov(np.stack([one[k], other[k]])) / one[k].size for k in (0, 1))
    expected = math.sqrt(contrast @ matrix @ contrast)
    assert paired_difference(labels, first, second).standard_error == pytest.approx(expected)


def test_interval_holds_the_truth_as_often_as_it_says():
    truth = 0.8019  # Phi(1.2 / sqrt(2)), the AUC of the sample's two normals
    held = 0
    for seed in range(600):
        interval = auc_estimate(*sample(400, seed)).interval(0.95)
        held += interval.low <= truth <= interval.high
    assert 0.93 <= held / 600 <= 0.97


def test_one_positive_row_has_no_variance():
    labels = np.array([1.0, 0.0, 0.0])
    estimate = auc_estimate(labels, np.array([0.9, 0.1, 0.2]))
    assert estimate.value == 1.0
    assert math.isnan(estimate.standard_error)
    assert estimate.p_above(0.5) == 1.0
