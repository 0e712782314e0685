"""The numbers of a run, from records whose numbers are known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from pipelines.stress import summarize
from pipelines.stress.records import Ending
from tests.stress.made_up import records


def test_percentiles_count_from_when_a_request_was_due() -> None:
    made = records(np.arange(1.0, 1001.0))
    made["sent"] = made["done"] - 0.001
    seen = summarize(made, 10.0)

    assert seen.latency["p50"] == pytest.approx(500.5)
    assert seen.latency["max"] == pytest.approx(1000.0)
    assert seen.service["max"] == pytest.approx(1.0)
    assert seen.p99.value == pytest.approx(990.0)
    assert seen.p99.low < 990.0 < seen.p99.high


def test_the_warm_up_is_left_out() -> None:
    made = records([5000.0] * 100 + [1.0] * 400)
    made["due"] -= 1.0
    made["done"] -= 1.0
    seen = summarize(made, 4.0)

    assert (seen.requests, seen.offered_rate) == (400, 100.0)
    assert seen.latency["max"] == pytest.approx(1.0)


def test_a_run_of_nothing_but_warm_up_has_no_numbers() -> None:
    made = records([1.0] * 10)
    made["due"] -= 1.0

    with pytest.raises(ValueError, match="after the warm-up"):
        summarize(made, 1.0)


def test_failing_fast_does_not_look_fast() -> None:
    endings = np.where(np.arange(1000) % 20 == 0, Ending.REFUSED, Ending.ANSWERED)
    seen = summarize(records([1.0] * 1000, ending=endings), 10.0)

    assert seen.p99.value == math.inf
    assert seen.latency["p99"] == pytest.approx(1.0)
    assert seen.failed.value == 0.05
    assert seen.endings == {
        "answered": 950,
        "refused": 50,
        "no_answer": 0,
        "wrong": 0,
        "not_sent": 0,
    }
    assert json.loads(json.dumps(seen.to_json(), allow_nan=False))["p99"]["value"] is None


def test_the_timeline_has_every_second_the_silent_ones_too() -> None:
    made = records([1.0] * 100 + [9000.0] * 100 + [1.0] * 100)
    made["ending"][100:200] = Ending.NO_ANSWER
    first, second, third = summarize(made, 3.0).timeline

    assert (first.arrived, first.failed, third.failed) == (100, 0, 0)
    assert (second.arrived, second.failed, second.p50, second.p99) == (100, 100, None, None)
    assert third.p99 == pytest.approx(1.0)


def test_answers_count_in_the_second_in_which_they_went_out() -> None:
    timeline = summarize(records([1500.0] * 200), 2.0).timeline

    assert [each.arrived for each in timeline] == [100, 100, 0, 0]
    assert [each.answered for each in timeline] == [0, 50, 100, 50]


def test_every_answer_is_in_the_histogram() -> None:
    made = records(np.random.default_rng(7).lognormal(size=2000))
    bins = summarize(made, 20.0).histogram

    assert sum(count for _, _, count in bins) == 2000
    assert all(low < high for low, high, _ in bins)
    same = summarize(records([2.0] * 50), 1.0).histogram
    assert sum(count for _, _, count in same) == 50


def test_nothing_answered_leaves_no_latencies() -> None:
    seen = summarize(records([1.0] * 50, ending=Ending.NO_ANSWER), 1.0)

    assert (seen.latency, seen.service, seen.histogram) == ({}, {}, ())
    assert (seen.answered_rate, seen.failed.value) == (0.0, 1.0)


def test_the_generators_delay_is_told_from_a_queue() -> None:
    made = records([10.0] * 200)
    made["sent"] += 0.004
    made["was_awaited"][::2] = False
    made["sent"][::2] += 1.0
    assert summarize(made, 2.0).generator_lag_p99 == pytest.approx(4.0)

    made["was_awaited"] = False
    assert summarize(made, 2.0).generator_lag_p99 == 0.0
