import math

import numpy as np
import pytest

from pipelines.gates.evidence import Leg
from pipelines.gates.skew import conversion_leg, judge_skew
from pipelines.verdicts import Outcome

ANSWERS = np.linspace(0, 1, 1000)


def _leg(before, after, task="binary"):
    return conversion_leg("training", before, "onnx", after, task)


@pytest.mark.parametrize(
    ("leg", "outcome"),
    [
        (_leg(ANSWERS, ANSWERS + 9e-5), Outcome.PASSED),
        (_leg(ANSWERS, ANSWERS + 2e-4), Outcome.FAILED),
        (_leg(np.eye(4)[[0] * 1000], np.eye(4)[[0] * 1000] + 9e-5, "multiclass"), Outcome.PASSED),
        (_leg(np.eye(4)[[0] * 1000], np.eye(4)[[1] * 1000], "multiclass"), Outcome.FAILED),
        # A value counts relative to its size: float32 has seven digits of it.
        (_leg(1000 * ANSWERS + 900, 1000 * ANSWERS + 900.05, "regression"), Outcome.PASSED),
        (_leg(1000 * ANSWERS + 900, 1000 * ANSWERS + 901, "regression"), Outcome.FAILED),
        (_leg(ANSWERS, ANSWERS * np.nan), Outcome.FAILED),
        (_leg(ANSWERS, ANSWERS[:-1]), Outcome.FAILED),
        (_leg(ANSWERS[1:], ANSWERS[1:]), Outcome.INCONCLUSIVE),
        (_leg(ANSWERS[1:], ANSWERS[1:] + 0.1), Outcome.FAILED),
        (_leg(ANSWERS[:0], ANSWERS[:0]), Outcome.INCONCLUSIVE),
    ],
)
def test_a_leg_is_held_to_its_tolerance(leg, outcome):
    assert judge_skew((leg,)).outcome is outcome


def test_one_bad_leg_decides_and_is_named():
    legs = (Leg("a", "b", 0.0, 1e-6, 1000), Leg("b", "c", math.inf, 1e-6, 1000))
    verdict = judge_skew(legs)
    assert verdict.outcome is Outcome.FAILED
    assert "b to c" in verdict.reason


def test_no_leg_is_not_a_pass():
    assert judge_skew(()).outcome is Outcome.INCONCLUSIVE
