"""Full against incremental: evidence, an interval, advice where it is due, and never a no."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pipelines.gates.evidence import Holdout
from pipelines.gates.full import FULL, Fit, advised, with_full, without_full
from pipelines.settings import GateSettings
from pipelines.verdicts import Outcome, Verdict, combine

ROWS = 4000
SETTINGS = GateSettings(margin=0.02)
PASSED = Verdict("gate", Outcome.PASSED, "all 3 checks passed", {"is_forced": True})


def holdout(rows: int = ROWS) -> Holdout:
    draw = np.random.default_rng(0)
    names = np.array([f"r{number}" for number in range(rows)])
    labels = draw.integers(0, 2, rows).astype(float)
    return Holdout(labels=labels, blocks=names, row_hashes=names, data_hash="d")


def fit(noise: float, seconds: float, rows: int, seed: int, asked: Holdout) -> Fit:
    """Answers that follow the labels, the less the more noise there is."""
    draw = np.random.default_rng(seed)
    odds = 2 * asked.labels - 1 + noise * draw.normal(size=len(asked.labels))
    return Fit(1 / (1 + np.exp(-odds)), seconds, rows)


def pair(incremental: float, full: float, asked: Holdout) -> tuple[Fit, Fit]:
    return (fit(incremental, 1.5, 300, 1, asked), fit(full, 6.0, 2000, 2, asked))


def test_a_better_full_training_is_advised_and_does_not_block() -> None:
    asked = holdout()
    verdict = with_full(PASSED, pair(2.0, 0.8, asked), asked, SETTINGS)
    assert verdict.outcome is Outcome.PASSED
    assert verdict.parts == PASSED.parts
    assert verdict.reason.startswith("all 3 checks passed; a full training is better by more than")
    assert "train in full (train.mode: full)" in verdict.reason
    found = verdict.evidence[FULL]
    assert found["is_full_better"] is True
    assert 0 < found["gain"]["low"] < found["gain"]["value"] < found["gain"]["high"]
    first, second = found["trainings"]
    assert (first["training"], first["rows"], first["seconds"]) == ("incremental", 300, 1.5)
    assert (second["training"], second["rows"], second["seconds"]) == ("full", 2000, 6.0)
    gained = second["quality"] - first["quality"]
    assert gained == pytest.approx(found["gain"]["value"], abs=1e-9)
    assert verdict.evidence["is_forced"] is True
    assert advised(verdict) == verdict
    joined = replace(combine("gate", [PASSED, PASSED]), evidence=verdict.evidence)
    assert advised(joined).reason == f"all 2 checks passed; {found['sentence']}"
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("incremental", "full"), [(0.8, 0.8), (0.8, 2.0), (1.0, 0.98)], ids=["equal", "worse", "hardly"]
)
def test_a_full_training_that_is_not_much_better_leaves_the_reason_alone(
    incremental: float, full: float
) -> None:
    asked = holdout()
    verdict = with_full(PASSED, pair(incremental, full, asked), asked, SETTINGS)
    assert verdict.reason == PASSED.reason
    assert verdict.evidence[FULL]["is_full_better"] is False
    assert (
        "not shown to be better by more than the margin 0.02"
        in (verdict.evidence[FULL]["sentence"])
    )


def test_what_luck_could_have_done_is_no_advice() -> None:
    """A large difference on few rows: above the margin, with zero in its interval."""
    asked = holdout(120)
    advised = 0
    for seed in range(20):
        two = (fit(2.0, 1.0, 10, seed, asked), fit(2.0, 1.0, 10, 100 + seed, asked))
        found = with_full(PASSED, two, asked, SETTINGS).evidence[FULL]
        advised += found["is_full_better"]
        if found["is_full_better"]:
            assert found["gain"]["low"] > 0
    assert advised <= 3


def test_a_regression_gains_what_its_error_loses() -> None:
    draw = np.random.default_rng(0)
    names = np.array([f"r{number}" for number in range(500)])
    labels = draw.normal(0, 10, 500)
    asked = Holdout(labels=labels, blocks=names, row_hashes=names, data_hash="d", task="regression")
    two = (Fit(labels + 5.0, 1.0, 10), Fit(labels + 1.0, 2.0, 20))
    found = with_full(PASSED, two, asked, GateSettings(margin=0.5)).evidence[FULL]
    assert found["gain"]["value"] == pytest.approx(4.0)
    assert found["measure"] == "mean absolute error"
    assert found["is_full_better"] is True


def test_a_holdout_that_cannot_answer_is_said_and_changes_nothing() -> None:
    asked = holdout(20)
    verdict = with_full(PASSED, pair(2.0, 0.8, asked), asked, SETTINGS)
    assert (verdict.outcome, verdict.reason) == (PASSED.outcome, PASSED.reason)
    assert verdict.evidence[FULL]["is_full_better"] is None
    assert "the holdout is too small" in verdict.evidence[FULL]["sentence"]


def test_a_comparison_that_could_not_be_made_is_said() -> None:
    verdict = without_full(PASSED, "memory ran out")
    assert verdict.reason == PASSED.reason
    assert verdict.evidence[FULL]["sentence"].endswith("memory ran out")
