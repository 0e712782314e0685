import math

import numpy as np
import pytest

from pipelines.gates.evidence import Leg
from pipelines.gates.skew import conversion_leg, judge_skew, serving_leg
from pipelines.verdicts import Outcome

ANSWERS = np.linspace(0, 1, 1000)


@pytest.mark.parametrize(
    ("leg", "outcome"),
    [
        (conversion_leg("training", ANSWERS, "onnx", ANSWERS + 9e-5), Outcome.PASSED),
        (conversion_leg("training", ANSWERS, "onnx", ANSWERS + 2e-4), Outcome.FAILED),
        (serving_leg("onnx", ANSWERS, "bento", ANSWERS + 5e-7), Outcome.PASSED),
        (serving_leg("onnx", ANSWERS, "bento", ANSWERS + 2e-6), Outcome.FAILED),
        (serving_leg("onnx", ANSWERS, "bento", ANSWERS * np.nan), Outcome.FAILED),
        (serving_leg("onnx", ANSWERS, "bento", ANSWERS[:-1]), Outcome.FAILED),
        (serving_leg("onnx", ANSWERS[1:], "bento", ANSWERS[1:]), Outcome.INCONCLUSIVE),
        (serving_leg("onnx", ANSWERS[1:], "bento", ANSWERS[1:] + 0.1), Outcome.FAILED),
        (serving_leg("onnx", ANSWERS[:0], "bento", ANSWERS[:0]), Outcome.INCONCLUSIVE),
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
