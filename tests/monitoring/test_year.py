"""The page of a year: its figures follow from the answers, and from nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import year_table
from pipelines.errors import DataError
from pipelines.statistics.auc import auc

DRAW = np.random.default_rng(0)


def _day(versions: list[str], noise: float) -> dict[str, Any]:
    truth = DRAW.integers(0, 2, len(versions)).astype(float)
    live = truth + DRAW.normal(0, noise, truth.size)
    frozen = truth + DRAW.normal(0, 3 * noise, truth.size)
    truth[::10] = np.nan  # never told
    return {
        "version": versions,
        "truth": truth.tolist(),
        "live": live.tolist(),
        "frozen": frozen.tolist(),
    }


def _start(came: str) -> dict[str, Any]:
    return {"at": "2013-05-02T00:00:00+00:00", "until": "2013-04", "reason": "a|b", "came": came}


LIVED: dict[str, Any] = {
    "days": {
        "2013-04-01": _day(["flights@v1"] * 200, 0.5),
        "2013-05-01": _day(["flights@v1"] * 150, 0.5),
        "2013-05-02": _day(["flights@v2"] * 50, 0.5),
    },
    "starts": [_start("flights@v2 came of it"), _start("the gate refused the challenger: no")],
    "triggers": [
        {
            "arrived": "2013-04-11T00:00:00+00:00",
            "version": "flights@v1",
            "cause": "columns",
            "state": "done",
            "why": "flights@v2 came of it",
        }
    ],
    "looks": {"FAILED, retrain": 2},
}


def test_a_month_is_all_its_answers_whoever_gave_them() -> None:
    april, may = year_table.months(LIVED)
    assert (april.name, april.flights) == ("2013-04", 180)
    assert may.versions == {"flights@v1": 150, "flights@v2": 50}
    days = [LIVED["days"][day] for day in ("2013-05-01", "2013-05-02")]
    truth = np.concatenate([day["truth"] for day in days])
    live = np.concatenate([day["live"] for day in days])
    known = ~np.isnan(truth)
    assert may.live == auc(truth[known].astype(int), live[known])
    assert may.live > may.frozen


def test_the_interval_holds_the_mean_difference() -> None:
    low, high = year_table.interval(LIVED)
    found = year_table.months(LIVED)
    assert low <= np.mean([month.live - month.frozen for month in found]) <= high
    assert year_table.interval(LIVED) == (low, high)


def test_the_page_says_what_started_and_what_was_refused() -> None:
    page = year_table.render(LIVED)
    assert "with 2 retrains:\n1 went live, 1 were refused by the gate." in page
    assert "| 2013-05 | 180 | v1 75%, v2 25% |" in page
    assert "| 2013-05-02 | 2013-04 | a/b | flights@v2 came of it |" in page
    assert "| 2013-04-11 | flights@v1 | columns | done | flights@v2 came of it |" in page


def test_without_a_label_there_is_no_figure() -> None:
    unknown = {**LIVED["days"]["2013-04-01"], "truth": [float("nan")] * 200}
    with pytest.raises(DataError):
        year_table.months({**LIVED, "days": {"2013-04-01": unknown}})
