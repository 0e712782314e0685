"""Each measure on a resample must be what it would be on the rows written out again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics import auc as plain_auc
from pipelines.statistics import block_measures, losses
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.calibration import expected_calibration_error
from tests.statistics.data import labelled, sample


def written_out(values, blocks, weights):
    return np.repeat(values, weights[blocks.of_row].astype(int))


@given(labelled(columns=2), st.integers(0, 10_000))
def test_auc_of_a_resample(drawn, seed):
    labels, first, second = drawn
    generator = np.random.default_rng(seed)
    blocks = Blocks.of(generator.integers(0, 4, labels.size))
    weights = generator.integers(0, 3, (3, blocks.count)).astype(float)
    single = block_measures.auc(labels, first, blocks)(weights)
    paired = block_measures.auc_difference(labels, first, second, blocks)(weights)
    for index, drawn_weights in enumerate(weights):
        again = written_out(labels, blocks, drawn_weights)
        if len(set(again)) < 2:
            assert np.isnan(single[index])
            assert np.isnan(paired[index])
            continue
        one = plain_auc.auc(again, written_out(first, blocks, drawn_weights))
        other = plain_auc.auc(again, written_out(second, blocks, drawn_weights))
        by_row = plain_auc.weighted_auc(labels, first, drawn_weights[blocks.of_row])
        assert single[index] == pytest.approx(one, abs=1e-12)
        assert single[index] == pytest.approx(by_row, abs=1e-12)
        assert paired[index] == pytest.approx(one - other, abs=1e-12)


def test_mean_of_a_resample():
    labels, scores = sample(500, 4)
    blocks = Blocks.of(np.arange(500) % 7)
    weights = np.random.default_rng(5).multinomial(7, np.full(7, 1 / 7), size=4).astype(float)
    rows = losses.brier_rows(labels, scores)
    means = block_measures.mean(rows, blocks)(weights)
    for index, drawn in enumerate(weights):
        assert means[index] == pytest.approx(written_out(rows, blocks, drawn).mean())


def test_calibration_error_on_all_rows_is_the_plain_one():
    labels, scores = sample(500, 4)
    blocks = Blocks.of(np.arange(500) % 7)
    measure = block_measures.calibration_error(labels, scores, blocks)
    assert measure(np.ones((1, 7)))[0] == pytest.approx(expected_calibration_error(labels, scores))
    twice = block_measures.difference(measure, measure)
    assert twice(np.ones((2, 7))).tolist() == [0.0, 0.0]
