import numpy as np
import pytest
from hypothesis import given

from pipelines.statistics.calibration import (
    equal_mass_bins,
    expected_calibration_error,
    reliability_curve,
)
from tests.statistics.data import labelled


@given(labelled())
def test_equal_scores_share_a_bin_and_no_bin_is_empty(drawn):
    _, scores = drawn
    bins = equal_mass_bins(scores, 5)
    assert set(bins) == set(range(bins.max() + 1))
    assert bins.max() < 5
    for value in np.unique(scores):
        assert len(set(bins[scores == value])) == 1


def test_bins_hold_equal_numbers_of_distinct_scores():
    scores = np.random.default_rng(0).random(1000)
    assert np.bincount(equal_mass_bins(scores, 10)).tolist() == [100] * 10


def test_the_curve_accounts_for_every_row():
    generator = np.random.default_rng(1)
    said = generator.random(5000)
    labels = (generator.random(5000) < said).astype(float)
    curve = reliability_curve(labels, said)
    assert sum(point.rows for point in curve) == 5000
    assert sum(point.rows * point.observed_rate for point in curve) == pytest.approx(labels.sum())
    assert all(abs(point.mean_probability - point.observed_rate) < 0.07 for point in curve)


def test_error_is_the_shift_that_was_put_in():
    generator = np.random.default_rng(2)
    said = generator.uniform(0.1, 0.6, 50_000)
    labels = (generator.random(50_000) < said).astype(float)
    assert expected_calibration_error(labels, said) < 0.01
    assert expected_calibration_error(labels, said + 0.2) == pytest.approx(0.2, abs=0.01)


def test_a_constant_at_the_base_rate_has_no_error():
    labels = np.repeat([1.0, 0.0], [10, 90])
    assert expected_calibration_error(labels, np.full(100, 0.1)) == pytest.approx(0, abs=1e-12)
    assert len(reliability_curve(labels, np.full(100, 0.1))) == 1
