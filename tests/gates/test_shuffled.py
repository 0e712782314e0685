import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pipelines.gates.shuffled import judge_shuffled_control
from pipelines.statistics.auc import chance_standard_error
from pipelines.statistics.chance import Chance, chance
from pipelines.verdicts import Outcome

ERROR = chance_standard_error(200, 1800)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (0.5, Outcome.PASSED),
        (0.5 + 2.9 * ERROR, Outcome.PASSED),
        (0.5 - 2.9 * ERROR, Outcome.PASSED),
        (0.5 + 3.1 * ERROR, Outcome.FAILED),
        (0.5 - 3.1 * ERROR, Outcome.FAILED),
        (math.nan, Outcome.INCONCLUSIVE),
    ],
)
def test_three_standard_errors_are_the_limit(found, outcome):
    assert judge_shuffled_control(Chance("AUC", found, 0.5, ERROR)).outcome is outcome


def test_a_control_that_was_not_run_or_has_one_class_is_inconclusive():
    assert judge_shuffled_control(None).outcome is Outcome.INCONCLUSIVE
    one_class = chance("binary", np.zeros(10), np.linspace(0, 1, 10))
    assert judge_shuffled_control(one_class).outcome is Outcome.INCONCLUSIVE


def test_only_labels_shuffled_on_both_sides_are_a_control():
    """Against the true labels a model of nothing lands anywhere: it has a direction by luck."""
    shuffled, true = [], []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        features = generator.normal(size=(2000, 3))
        labels = (features[:, 0] + generator.normal(size=2000) > 1).astype(float)
        permuted = generator.permutation(labels)
        model = LogisticRegression().fit(features[:1000], permuted[:1000])
        scores = model.predict_proba(features[1000:])[:, 1]
        for found, answer in ((shuffled, permuted), (true, labels)):
            control = chance("binary", answer[1000:], scores)
            found.append(judge_shuffled_control(control).outcome)
    assert shuffled.count(Outcome.PASSED) >= 39
    assert true.count(Outcome.FAILED) >= 20
