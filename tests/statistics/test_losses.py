import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics

from pipelines.errors import DataError
from pipelines.statistics.losses import accuracy, brier, log_loss
from tests.statistics.data import labelled


@given(labelled())
def test_losses_are_those_of_scikit_learn(drawn):
    labels, scores = drawn
    assert brier(labels, scores) == pytest.approx(metrics.brier_score_loss(labels, scores))
    assert log_loss(labels, scores) == pytest.approx(metrics.log_loss(labels, scores), abs=1e-12)
    assert accuracy(labels, scores) == metrics.accuracy_score(labels, scores >= 0.5)


def test_a_certain_mistake_costs_much_and_not_everything():
    assert 30 < log_loss(np.array([1.0]), np.array([0.0])) < 40


def test_a_label_that_is_not_a_class_is_refused():
    with pytest.raises(DataError, match="labels"):
        brier(np.array([0.0, np.nan]), np.array([0.1, 0.2]))
