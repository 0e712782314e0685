from dataclasses import replace

import numpy as np
import pytest

from pipelines.gates.evidence import Paired
from pipelines.gates.noninferiority import judge_noninferiority
from pipelines.statistics.blocks import Blocks
from pipelines.verdicts import Outcome
from tests.gates.factories import SETTINGS, health
from tests.gates.simulation import World

LARGE = World(rows=20_000, days=30)


def verdict_of(world, *, is_forced=True, has_independent_rows=False, **settings):
    challenger, champion, holdout = health(3, world)
    if has_independent_rows:
        holdout = replace(holdout, blocks=np.arange(holdout.labels.size))
    paired = Paired.of(challenger, champion, holdout)
    changed = SETTINGS.model_copy(update=settings)
    return judge_noninferiority(paired, holdout, changed, is_forced=is_forced)


@pytest.mark.parametrize(
    ("has_independent_rows", "method"), [(True, "DeLong"), (False, "block bootstrap")]
)
def test_an_equal_model_passes_when_the_retrain_was_forced(has_independent_rows, method):
    verdict = verdict_of(LARGE, has_independent_rows=has_independent_rows)
    assert verdict.has_passed, verdict.reason
    assert verdict.evidence["method"] == method
    assert verdict.evidence["difference"]["lower"] > -0.01


@pytest.mark.parametrize("has_independent_rows", [True, False])
def test_a_clearly_worse_model_fails(has_independent_rows):
    worse = replace(LARGE, challenger_auc=0.82)
    verdict = verdict_of(worse, has_independent_rows=has_independent_rows)
    assert verdict.outcome is Outcome.FAILED
    assert "worse by more than the margin" in verdict.reason


@pytest.mark.parametrize("has_independent_rows", [True, False])
def test_a_holdout_too_small_for_the_margin_says_how_large_it_would_have_to_be(
    has_independent_rows,
):
    verdict = verdict_of(replace(LARGE, rows=2000), has_independent_rows=has_independent_rows)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    needed = verdict.evidence["needed_rows"]
    assert 3000 < needed < 20_000
    assert f"{needed} rows" in verdict.reason
    assert (verdict.evidence["needed_blocks"] is None) == has_independent_rows


def test_the_rows_that_were_asked_for_suffice():
    needed = verdict_of(replace(LARGE, rows=2000), has_independent_rows=True).evidence[
        "needed_rows"
    ]
    worlds = [health(seed, replace(LARGE, rows=needed)) for seed in range(60)]
    passed = 0
    for challenger, champion, holdout in worlds:
        rows_apart = replace(holdout, blocks=np.arange(needed))
        paired = Paired.of(challenger, champion, rows_apart)
        passed += judge_noninferiority(paired, rows_apart, SETTINGS, is_forced=True).has_passed
    assert 0.65 <= passed / 60 <= 0.95  # the power planned for is .8


def test_a_large_holdout_that_cannot_tell_says_that_more_rows_are_not_the_point():
    verdict = verdict_of(replace(LARGE, challenger_auc=0.838))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "likely a little worse" in verdict.reason


class TestUnforced:
    def test_an_equal_model_seldom_replaces_the_champion(self):
        small = replace(LARGE, rows=2000)
        passed = 0
        for seed in range(100):
            challenger, champion, holdout = health(seed, small)
            paired = Paired.of(challenger, champion, holdout)
            verdict = judge_noninferiority(paired, holdout, SETTINGS, is_forced=False)
            passed += verdict.has_passed
        assert passed <= 8

    def test_a_better_model_passes(self):
        better = replace(LARGE, challenger_auc=0.87)
        assert verdict_of(better, is_forced=False).has_passed
        assert verdict_of(better, is_forced=False, minimum_lift=0.005).has_passed

    def test_a_better_model_below_the_lift_fails(self):
        better = replace(LARGE, challenger_auc=0.86)
        verdict = verdict_of(better, is_forced=False, minimum_lift=0.05)
        assert verdict.outcome is Outcome.FAILED
        assert "unforced" in verdict.reason

    def test_a_lift_too_small_for_the_rows_says_how_many_it_takes(self):
        better = replace(LARGE, rows=3000, challenger_auc=0.858)
        verdict = verdict_of(better, is_forced=False)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert verdict.evidence["needed_rows"] > 3000

    def test_no_number_of_rows_shows_a_lift_that_is_not_there(self):
        verdict = verdict_of(replace(LARGE, challenger_auc=0.84), is_forced=False)
        assert verdict.evidence["needed_rows"] is None


def test_two_perfect_models_on_few_rows_prove_nothing():
    labels = np.repeat([0.0, 1.0], [300, 45])
    _, _, holdout = health()
    few = replace(
        holdout,
        labels=labels,
        blocks=np.arange(345),
        row_hashes=np.arange(345, dtype=np.uint64),
        time=None,
        slices={},
        features={},
    )
    challenger, champion, _ = health()
    paired = Paired.of(
        replace(challenger, scores=labels * 0.8 + 0.1),
        replace(champion, scores=labels * 0.6 + 0.2),
        few,
    )
    verdict = judge_noninferiority(paired, few, SETTINGS, is_forced=True)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "never ranked a pair differently" in verdict.reason


@pytest.mark.parametrize("has_independent_rows", [True, False])
def test_the_order_of_the_rows_does_not_matter(has_independent_rows):
    challenger, champion, holdout = health(4)
    blocks = np.arange(holdout.labels.size) if has_independent_rows else holdout.blocks
    straight = Paired.of(challenger, champion, replace(holdout, blocks=blocks))
    order = np.random.default_rng(1).permutation(holdout.labels.size)
    mixed = Paired(
        "binary",
        straight.labels[order],
        straight.challenger[order],
        straight.champion[order],
        Blocks.of(blocks[order]),
    )
    one, other = (
        judge_noninferiority(paired, holdout, SETTINGS, is_forced=True).evidence["difference"]
        for paired in (straight, mixed)
    )
    assert one["lower"] == pytest.approx(other["lower"], abs=1e-12)


def test_of_accuracies_it_tells_on_which_rows_exactly_one_is_right():
    challenger, champion, holdout = health(3, replace(LARGE, rows=1000))
    labels = np.arange(1000) % 3
    right = np.eye(3)[labels]
    wrong = np.eye(3)[(labels + 1) % 3]
    # The first 30 rows only the challenger gets right, the next 10 only the champion.
    is_ours, is_theirs = np.arange(1000) < 30, (np.arange(1000) >= 30) & (np.arange(1000) < 40)
    ours = replace(challenger, scores=np.where(is_theirs[:, None], wrong, right))
    theirs = replace(champion, scores=np.where(is_ours[:, None], wrong, right))
    asked = replace(holdout, labels=labels.astype(float), task="multiclass", blocks=np.arange(1000))
    verdict = judge_noninferiority(Paired.of(ours, theirs, asked), asked, SETTINGS, is_forced=True)
    found = verdict.evidence["mcnemar"]
    assert (found["first_only"], found["second_only"]) == (30, 10)
    assert found["p_value"] == pytest.approx(0.0022, abs=1e-4)
    assert verdict.has_passed
