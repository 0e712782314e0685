"""A sentence for every limit, and another one when the evidence is another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.explanation import limits
from pipelines.explanation.evidence import Evidence
from pipelines.schema import Schema
from pipelines.signature import Signature


def interval(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def piece(value: str, quality: dict[str, float] | None) -> dict[str, Any]:
    return {"column": "city", "value": value, "rows": 1200, "quality": quality}


DAYS = {"first": "2024-01-01", "last": "2024-01-31"}
KNOWN = Evidence(
    signature=Signature("shop", "logistic", Schema(("a",), ("b",), "y"), "0" * 64, {}),
    split={
        "train": DAYS,
        "tuning": {"first": "2024-02-01", "last": "2024-02-10"},
        "holdout": {"first": "2024-02-11", "last": "2024-02-20"},
    },
    missing={"a": 0.25, "b": 0.0},
    evaluation={
        "task": "binary",
        "measure": {"key": "auc", "name": "AUC", "is_loss": False},
        "metrics": {"auc": interval(0.7, 0.65, 0.75), "ece": interval(0.02, 0.01, 0.03)},
        "baseline": {"auc": interval(0.5, 0.5, 0.5)},
        "slices": [
            piece("Oslo", interval(0.72, 0.6, 0.8)),
            piece("Bergen", interval(0.61, 0.5, 0.7)),
            *(piece(f"village {number}", None) for number in range(7)),
        ],
    },
    attribution={},
    training={},
    study={},
    validation={"tables": {"rows": {"read": 200, "quarantined": 3, "quarantined_share": 0.015}}},
    source={},
)


def evaluated(**changed: Any) -> Evidence:
    return replace(KNOWN, evaluation={**KNOWN.evaluation, **changed})


def said(known: Evidence) -> str:
    return "\n".join(limits.found(known)).replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_what_the_evidence_says() -> None:
    text = said(KNOWN)
    assert "learned from 2024-01-01 to 2024-02-10 and was judged on 2024-02-11" in text
    assert "on the better side of the trivial baseline" in text
    assert "Of 2 slices it is worst on city Bergen (1 200 rows): AUC 0.6100 (0.5000 to" in text
    assert "city village 4 and 2 more." in text
    assert "off by 0.0200 (0.0100 to 0.0300)" in text
    assert "Most often missing where it learned: a 25 %." in text
    assert "3 of 200 rows (1.5 %) were in quarantine" in text


def test_of_data_without_time_and_without_holes() -> None:
    known = replace(
        KNOWN,
        split={"train": {}, "tuning": {}, "holdout": {}},
        missing={"a": 0.0},
        validation={"tables": {"rows": {"read": 9, "quarantined": 0, "quarantined_share": 0.0}}},
    )
    text = said(known)
    assert "The data has no time" in text
    assert "No feature had a missing value" in text
    assert "No row was in quarantine" in text


def test_a_model_that_is_no_better_than_the_baseline_is_called_that() -> None:
    weak = {"auc": interval(0.52, 0.48, 0.56), "ece": interval(0.1, 0.0, 0.2)}
    assert "does not exclude the trivial baseline" in said(evaluated(metrics=weak))


@pytest.mark.parametrize(
    ("bias", "sentence"),
    [
        (interval(0.1, -0.2, 0.4), "No bias is shown"),
        (interval(-3.0, -5.0, -1.0), "lie below the truth"),
        (interval(3.0, 1.0, 5.0), "lie above the truth"),
    ],
)
def test_of_an_error_less_is_better(bias: dict[str, float], sentence: str) -> None:
    text = said(
        evaluated(
            task="regression",
            measure={"key": "mae", "name": "mean absolute error", "is_loss": True},
            metrics={"mae": interval(4.0, 3.0, 5.0), "bias": bias},
            baseline={"mae": interval(6.0, 5.0, 7.0)},
        )
    )
    assert sentence in text
    assert "on the better side" in text
    assert "worst on city Oslo" in text


def test_slices_that_nobody_asked_for_or_that_are_all_too_small() -> None:
    assert "No slices were asked for" in said(evaluated(slices=[]))
    text = said(evaluated(slices=[piece("Oslo", None)]))
    assert "worst on" not in text
    assert "Too few rows to say anything of: city Oslo." in text
