"""What the evidence says, and how it is said."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rollout import tally, wording
from pipelines.rollout.analysis import harm_needed, judge
from pipelines.rollout.evidence import NO_PAIRS, WRONG, Counts, Evidence, Exposure
from pipelines.settings import RolloutSettings
from pipelines.verdicts import Outcome, Verdict
from tests.rollout.builders import exposures, pairs, plan

STEP = 1  # of the stages: mirror, 5, 25, 50


def seen(*exposed: Exposure, shadow=NO_PAIRS, stage: int = STEP, **settings) -> Verdict:
    chosen = plan(**settings)
    counted = tally.add(tally.begin(chosen), Evidence(0, 1, exposed, shadow), chosen, stage)
    return judge(counted, chosen, stage)


def part(verdict: Verdict, name: str) -> Verdict:
    return next(found for found in verdict.parts if found.name == name)


def one(metric: str, canary: tuple[int, int], stable: tuple[int, int], weight: int = 5) -> Exposure:
    return Exposure(metric, weight, Counts(*canary), Counts(*stable))


def others(but: str) -> tuple[Exposure, ...]:
    return tuple(each for each in exposures(5, 20_000) if each.metric != but)


def test_nothing_seen_says_nothing() -> None:
    verdict = seen()
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "500 more requests are needed" in part(verdict, "errors").reason


def test_all_metrics_together_pass() -> None:
    verdict = seen(*exposures(5, 20_000))
    assert verdict.has_passed
    assert verdict.evidence["not_asked"] == ["disagreement", "gap", "wrong"]


@pytest.mark.parametrize("metric", ["errors", "timeouts", "invalid", "latency"])
def test_one_metric_without_evidence_is_enough_to_hold(metric: str) -> None:
    verdict = seen(*others(metric))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert [each.name for each in verdict.parts if not each.has_passed] == [metric]


@pytest.mark.parametrize("metric", ["errors", "timeouts", "invalid", "latency"])
def test_one_metric_that_shows_harm_is_enough_to_go_back(metric: str) -> None:
    verdict = seen(*others(metric), one(metric, (20_000, 1200), (380_000, 3800)))
    assert verdict.outcome is Outcome.FAILED
    assert metric in verdict.reason
    assert "1,200 bad of 20,000 requests (6 %), the champion's 3,800 of 380,000 (1 %)" in (
        verdict.reason
    )


def test_harm_does_not_wait_for_the_minimum() -> None:
    verdict = seen(one("errors", (60, 30), (1140, 2)))
    assert verdict.outcome is Outcome.FAILED


def test_a_rate_above_its_limit_passes_by_comparison() -> None:
    verdict = seen(*others("latency"), one("latency", (20_000, 600), (380_000, 11_400)))
    assert part(verdict, "latency").reason.endswith("below 2 times the champion's rate")
    assert verdict.has_passed


def test_a_rate_that_is_good_enough_in_itself_passes_without_comparison() -> None:
    verdict = seen(*exposures(5, 2000))
    assert "good enough in itself" in part(verdict, "errors").reason


def test_good_enough_in_itself_does_not_hide_a_suspicion() -> None:
    """4 of 4,000 is far below 1 %, and far above what the champion does."""
    suspicious = one("errors", (4000, 4), (76_000, 8))
    found = part(seen(*others("errors"), suspicious), "errors")
    assert found.evidence["log_e_absolute"] > found.evidence["pass_needed"]
    assert math.log(5) <= found.evidence["log_e_harm"] < harm_needed(RolloutSettings())
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "but suspiciously above the champion's" in found.reason


def test_labels_that_did_not_come_are_not_asked_for_unless_required() -> None:
    assert seen(*exposures(5, 20_000)).has_passed
    verdict = seen(*exposures(5, 20_000), labels="require")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert part(verdict, WRONG).outcome is Outcome.INCONCLUSIVE


def test_wrong_answers_roll_back_though_they_are_not_required() -> None:
    verdict = seen(*exposures(5, 20_000), one(WRONG, (5000, 1500), (95_000, 19_000)))
    assert verdict.outcome is Outcome.FAILED
    assert "wrong" in verdict.reason


def test_required_labels_pass_by_comparison_only() -> None:
    as_good = one(WRONG, (20_000, 3000), (380_000, 57_000))
    verdict = seen(*exposures(5, 20_000), as_good, labels="require")
    assert part(verdict, WRONG).has_passed
    assert part(verdict, WRONG).evidence["limit"] is None


def test_alpha_is_shared_among_all_that_may_roll_back() -> None:
    # Four metrics, wrong answers, disagreement and gap, be there a mirror or not.
    assert math.exp(harm_needed(RolloutSettings())) == pytest.approx(700)
    assert math.exp(harm_needed(RolloutSettings(mirror=False))) == pytest.approx(700)
    assert math.exp(harm_needed(RolloutSettings(metrics=("errors",)))) == pytest.approx(400)


def mirrored(shadow, **settings) -> Verdict:
    return seen(*exposures(0, 20_000), shadow=shadow, stage=0, **settings)


def test_a_mirror_that_answers_as_on_the_holdout_passes() -> None:
    verdict = mirrored(pairs(20_000))
    assert verdict.has_passed
    assert "2 % (1.6 % to 2.4 %) in 20,000 pairs, 2 % on the holdout" in (
        part(verdict, "disagreement").reason
    )


def test_a_mirror_without_pairs_holds() -> None:
    verdict = mirrored(NO_PAIRS)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no pairs yet" in part(verdict, "gap").reason
    assert "500 more pairs" in part(verdict, "gap").reason
    assert part(mirrored(pairs(600)), "disagreement").outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("name", "shadow"),
    [
        ("disagreement", pairs(20_000, disagreement=0.045)),
        ("gap", pairs(20_000, gap=0.06)),
        # The champion's own file under the challenger's name never disagrees with it.
        ("disagreement", pairs(20_000, disagreement=0.0)),
    ],
    ids=["further apart", "other scores", "too close"],
)
def test_skew_goes_back(name: str, shadow) -> None:
    verdict = mirrored(shadow)
    assert verdict.outcome is Outcome.FAILED
    assert part(verdict, name).outcome is Outcome.FAILED


def test_skew_that_shows_later_goes_back_as_well() -> None:
    verdict = seen(*exposures(5, 20_000), shadow=pairs(20_000, gap=0.08))
    assert verdict.outcome is Outcome.FAILED


def test_the_verdict_is_ready_for_json() -> None:
    verdict = mirrored(pairs(600))
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False))) == verdict


@given(
    bad=st.integers(0, 5000),
    requests=st.integers(5000, 10**9),
    champion_bad=st.integers(0, 5000),
    weight=st.sampled_from([0, 5, 100]),
)
def test_it_always_has_an_answer(bad, requests, champion_bad, weight) -> None:
    exposed = [
        Exposure(metric, weight, Counts(requests, bad), Counts(5000, champion_bad))
        for metric in ("errors", "timeouts", "invalid", "latency", WRONG)
    ]
    json.dumps(seen(*exposed).to_json(), allow_nan=False)


@given(
    bad=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 90)), min_size=2, max_size=6),
    stage=st.integers(1, 3),
)
def test_looks_in_any_portions_and_order_come_to_the_same(bad, stage) -> None:
    chosen = plan()
    weight = chosen.stages[stage]

    def count(parts) -> tally.Tally:
        state = tally.begin(chosen)
        for canary, stable in parts:
            exposed = one("errors", (100, canary), (900, stable), weight)
            state = tally.add(state, Evidence(0, 1, (exposed,)), chosen, stage)
        return state

    forward, backward = count(bad).metrics["errors"], count(bad[::-1]).metrics["errors"]
    assert forward.challenger == backward.challenger
    assert forward.relative == pytest.approx(backward.relative, abs=1e-8)
    for one_way, other_way in zip(forward.harm, backward.harm, strict=True):
        assert one_way == pytest.approx(other_way, abs=1e-8)
    # Tests of the stages to come have not begun.
    assert all(set(row) == {0.0} for row in forward.harm[stage + 1 :])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (wording.e(math.log(134), math.log(100)), "evidence 134 of 100 needed"),
        (wording.e(5000.0, 1.0), "evidence over a billion of 2.72 needed"),
        (wording.e(-5000.0, 0.0), "evidence 0 of 1 needed"),
        (wording.hours(24 * 3600), "24 h"),
        (wording.hours(600), "10 min"),
        (wording.percent(0.00187), "0.187 %"),
    ],
)
def test_figures_are_said_so_that_people_read_them(said: str, words: str) -> None:
    assert said == words
