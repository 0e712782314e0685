"""Great Expectations itself, asked through our rules: what holds, what fails, what is not known."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import SettingsError
from pipelines.validation.expectations import check
from pipelines.validation.results import Result
from pipelines.validation.rules import Rule, Severity
from pipelines.verdicts import Outcome

FRAME = pd.DataFrame(
    {
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-03"]),
        "x": [1.0, 2.0, 300.0, np.nan],
        "y": [1, 1, 2, 2],
        "c": ["a", "b", "<b>", None],
        "empty": [np.nan] * 4,
        "mixed": [1, "x", 2, None],
    },
    index=[10, 11, 12, 14],  # as after a repeat in row 13 was left out
)


def rule(
    type_: str,
    severity: Severity = Severity.CRITICAL,
    quarantines: bool = False,
    **kwargs: Any,
) -> Rule:
    return Rule(f"expect_{type_}", kwargs, severity, quarantines, "because", "e.yaml: rows[0]")


def one(type_: str, **kwargs: Any) -> Result:
    [result] = check("rows", FRAME, [rule(type_, **kwargs)])
    return result


def test_a_violated_rule_counts_and_shows() -> None:
    result = one("column_values_to_be_between", column="x", max_value=10, quarantines=True)
    assert result.outcome is Outcome.FAILED
    assert (result.checked, result.unexpected, result.examples) == (3, 1, ("300",))
    assert result.positions == (12,)  # a position of the whole table, not of this frame
    assert result.observed == "1 of 3 values break it"
    assert result.reason == "x: values to be between (at most 10)"
    assert result.why == "because"


def test_mostly_forgives_and_quarantine_still_takes_the_row() -> None:
    result = one(
        "column_values_to_be_between", column="x", max_value=10, mostly=0.6, quarantines=True
    )
    assert result.outcome is Outcome.PASSED
    assert result.positions == (12,)
    assert result.demand == "at most 10, in at least 60\N{NARROW NO-BREAK SPACE}%"
    assert result.reason == "x: values to be between (at most 10)"


def test_rows_are_kept_unless_the_rule_says_otherwise() -> None:
    assert one("column_values_to_be_between", column="x", max_value=10).positions == ()


@pytest.mark.parametrize(
    ("kwargs", "positions"),
    [
        (("compound_columns_to_be_unique", {"column_list": ["day", "y"]}), (12, 14)),
        (("column_values_to_be_unique", {"column": "y"}), (10, 11, 12, 14)),
        (("column_values_to_not_be_null", {"column": "x"}), (14,)),
        (("column_values_to_be_in_set", {"column": "c", "value_set": ["a", "b"]}), (12,)),
        (("column_values_to_match_regex", {"column": "c", "regex": "^[a-z]$"}), (12,)),
        (
            (
                "column_pair_values_a_to_be_greater_than_b",
                {"column_A": "x", "column_B": "y", "or_equal": False},
            ),
            (10,),
        ),
    ],
)
def test_kinds_of_rules_that_name_rows(
    kwargs: tuple[str, dict[str, Any]], positions: tuple[int, ...]
) -> None:
    type_, arguments = kwargs
    result = one(type_, quarantines=True, **arguments)
    assert result.outcome is Outcome.FAILED
    # A pair with a null in it cannot be compared; Great Expectations counts it as a violation.
    assert set(positions) <= set(result.positions)
    assert len(result.positions) - len(positions) <= (type_.startswith("column_pair"))


@pytest.mark.parametrize(
    ("type_", "kwargs", "is_held", "observed"),
    [
        ("table_row_count_to_be_between", {"min_value": 4}, True, "4"),
        ("table_row_count_to_be_between", {"min_value": 5}, False, "4"),
        ("column_mean_to_be_between", {"column": "x", "min_value": 200}, False, "101"),
        (
            "column_proportion_of_non_null_values_to_be_between",
            {"column": "x", "min_value": 0.7},
            True,
            "0.75",
        ),
        (
            "column_proportion_of_non_null_values_to_be_between",
            {"column": "x", "min_value": 0.8},
            False,
            "0.75",
        ),
        (
            "column_max_to_be_between",
            {"column": "day", "min_value": "2024-01-03"},
            True,
            "2024-01-03T00:00:00",
        ),
        (
            "column_max_to_be_between",
            {"column": "day", "min_value": date(2024, 1, 4)},
            False,
            "2024-01-03T00:00:00",
        ),
        (
            "column_distinct_values_to_be_in_set",
            {"column": "c", "value_set": ["a"]},
            False,
            "also <b>, b",
        ),
        (
            "table_columns_to_match_set",
            {"column_set": ["x", "z"], "exact_match": False},
            False,
            "unexpected: c, day, empty, mixed, y; missing: z",
        ),
        (
            "column_quantile_values_to_be_between",
            {
                "column": "y",
                "quantile_ranges": {"quantiles": [0.25], "value_ranges": [[5, 6]]},
            },
            False,
            "0.25: 1",
        ),
    ],
)
def test_rules_about_a_whole_column(
    type_: str, kwargs: dict[str, Any], is_held: bool, observed: str
) -> None:
    result = one(type_, **kwargs)
    assert result.is_held is is_held
    assert result.observed == observed


@pytest.mark.parametrize("type_", ["column_values_to_be_between", "column_mean_to_be_between"])
def test_a_missing_column_is_critical_whatever_the_severity(type_: str) -> None:
    result = one(type_, severity=Severity.INFO, column="gone", min_value=0)
    assert result.outcome is Outcome.ERROR
    assert result.weight is Severity.CRITICAL
    assert "gone" in result.observed


def test_a_rule_that_raises_inside_is_critical() -> None:
    result = one("column_values_to_be_between", severity=Severity.INFO, column="mixed", min_value=0)
    assert (result.outcome, result.weight) == (Outcome.ERROR, Severity.CRITICAL)


def test_an_empty_column_is_not_taken_for_a_good_one() -> None:
    result = one("column_values_to_be_between", column="empty", min_value=0)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.weight is Severity.CRITICAL
    assert one("column_mean_to_be_between", column="empty", min_value=0).weight


def test_answers_come_in_the_order_of_the_rules_also_when_two_are_alike() -> None:
    rules = [
        rule("column_max_to_be_between", column="gone", max_value=1),
        rule("column_max_to_be_between", column="y", max_value=5),
        rule("column_max_to_be_between", column="y", max_value=1),
        rule("column_max_to_be_between", column="y", max_value=1, severity=Severity.INFO),
    ]
    results = check("rows", FRAME, rules)
    assert [result.outcome for result in results] == [
        Outcome.ERROR,
        Outcome.PASSED,
        Outcome.FAILED,
        Outcome.FAILED,
    ]
    assert [result.severity for result in results] == [item.severity for item in rules]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            rule("column_values_to_be_betwen", column="x"),
            "did you mean expect_column_values_to_be_",
        ),
        (rule("zzz"), "unknown type 'expect_zzz'.*use one of: expect_column_distinct"),
        (rule("column_values_to_be_between", colum="x"), "colum: extra fields not permitted"),
        (rule("column_values_to_be_between", column="x", min_value="z"), "does not take these"),
        (
            rule("column_values_to_be_between", column="day", min_value="soon"),
            "min_value is no time: 'soon'",
        ),
        (
            rule("column_mean_to_be_between", column="x", min_value=0, quarantines=True),
            "is about the whole table",
        ),
        (
            rule("column_values_to_be_null", column="x", catch_exceptions=False),
            "kwargs may not have catch_exceptions",
        ),
    ],
)
def test_a_rule_that_cannot_be_asked_is_refused(wrong: Rule, words: str) -> None:
    with pytest.raises(SettingsError, match=f"(?s){words}") as caught:
        check("rows", FRAME, [wrong])
    assert caught.value.where == wrong.where


def test_nothing_is_left_on_disk_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", refuse)
    assert one("column_values_to_be_between", column="y", min_value=0).is_held
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""  # no progress bar


def test_no_rules_no_results() -> None:
    assert check("rows", FRAME, []) == []
