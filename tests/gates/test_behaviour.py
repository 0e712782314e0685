import math

import numpy as np
import pytest

from pipelines.gates.behaviour import (
    direction_violation,
    judge_behaviour,
    range_violation,
)
from pipelines.gates.evidence import Case
from pipelines.verdicts import Outcome
from tests.gates.factories import RUN, SETTINGS


@pytest.mark.parametrize(
    ("probabilities", "violation"),
    [([0.0, 0.5, 1.0], 0.0), ([-0.25, 1.0], 0.25), ([0.2, 1.5], 0.5), ([], 0.0)],
)
def test_range_violation(probabilities, violation):
    assert range_violation(np.array(probabilities), "binary") == violation


def test_a_distribution_adds_up_and_a_value_may_lie_anywhere():
    sums = np.array([[0.25, 0.75], [0.5, 0.75]])
    assert range_violation(sums, "multiclass") == 0.25
    assert range_violation(np.array([-40.0, 1e6]), "regression") == 0.0


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_an_answer_that_is_no_number_is_an_infinite_violation(odd):
    answers = np.array([0.1, odd])
    assert range_violation(answers, "binary") == math.inf
    assert range_violation(answers, "regression") == math.inf
    assert direction_violation(np.array([[0.1, odd]]), is_increasing=True) == math.inf


def test_direction_looks_at_the_wrong_steps_only():
    steps = np.array([[0.1, 0.3, 0.25], [0.2, 0.2, 0.9]])
    assert direction_violation(steps, is_increasing=True) == pytest.approx(0.05)
    assert direction_violation(steps, is_increasing=False) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        (Case("direction", "distance", 0.2, 0.01, 100), Outcome.FAILED),
        (Case("boundary", "huge", math.inf, 0.0, 100), Outcome.FAILED),
        (Case("missing", "all", math.nan, 0.0, 100), Outcome.FAILED),
        (Case("missing", "none tried", 0.0, 0.0, 0), Outcome.INCONCLUSIVE),
    ],
)
def test_one_bad_case_decides(case, outcome):
    assert judge_behaviour((*RUN.cases, case), SETTINGS).outcome is outcome


def test_cases_within_their_tolerance_pass():
    assert judge_behaviour(RUN.cases, SETTINGS).has_passed


def test_a_case_that_is_not_there_is_missed():
    declared = SETTINGS.model_copy(update={"increasing": ("distance", "wind_speed")})
    verdict = judge_behaviour(tuple(case for case in RUN.cases if case.kind != "missing"), declared)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    absent = {part.name for part in verdict.parts if part.outcome is Outcome.INCONCLUSIVE}
    assert absent == {"missing", "direction: wind_speed"}
