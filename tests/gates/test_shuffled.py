import math

import pytest

from pipelines.gates.evidence import ShuffledControl
from pipelines.gates.shuffled import judge_shuffled_control
from pipelines.statistics.auc import chance_standard_error
from pipelines.verdicts import Outcome

ERROR = chance_standard_error(200, 1800)


@pytest.mark.parametrize(
    ("auc", "outcome"),
    [
        (0.5, Outcome.PASSED),
        (0.5 + 2.9 * ERROR, Outcome.PASSED),
        (0.5 - 2.9 * ERROR, Outcome.PASSED),
        (0.5 + 3.1 * ERROR, Outcome.FAILED),
        (0.5 - 3.1 * ERROR, Outcome.FAILED),
        (math.nan, Outcome.INCONCLUSIVE),
    ],
)
def test_three_standard_errors_are_the_limit(auc, outcome):
    assert judge_shuffled_control(ShuffledControl(auc, 200, 1800)).outcome is outcome


def test_a_control_that_was_not_run_or_has_one_class_is_inconclusive():
    assert judge_shuffled_control(None).outcome is Outcome.INCONCLUSIVE
    assert judge_shuffled_control(ShuffledControl(0.5, 0, 10)).outcome is Outcome.INCONCLUSIVE
