import math
from dataclasses import replace

import pytest

from pipelines.gates.budget import judge_budget
from pipelines.settings import BudgetSettings
from pipelines.verdicts import Outcome
from tests.gates.factories import health

BUDGET = BudgetSettings(latency_ms=20, megabytes=50)


@pytest.mark.parametrize(
    ("measured", "outcome"),
    [
        ({"latency_ms": 20.0, "megabytes": 50.0}, Outcome.PASSED),
        ({"latency_ms": 20.1}, Outcome.FAILED),
        ({"megabytes": 51.0}, Outcome.FAILED),
        ({"latency_ms": None}, Outcome.INCONCLUSIVE),
        ({"megabytes": math.nan}, Outcome.INCONCLUSIVE),
        ({"latency_ms": None, "megabytes": 51.0}, Outcome.FAILED),
    ],
)
def test_each_limit_holds_by_itself(measured, outcome):
    challenger, _, _ = health()
    assert judge_budget(replace(challenger, **measured), BUDGET).outcome is outcome


@pytest.mark.parametrize(
    ("measured", "key"),
    [
        ({"latency_ms": 31.0}, "gate.budget.latency_ms"),
        ({"megabytes": 86.4}, "gate.budget.megabytes"),
    ],
    ids=["slow", "large"],
)
def test_a_limit_that_is_passed_names_the_key_that_sets_it(measured, key):
    challenger, _, _ = health()
    verdict = judge_budget(replace(challenger, **measured), BUDGET)
    assert f"raise {key}, or make the model smaller" in verdict.reason
    assert verdict.reason.count("raise") == 1
