from dataclasses import replace

import numpy as np

from pipelines.gates.calibration import judge_calibration
from pipelines.gates.evidence import Paired
from pipelines.verdicts import Outcome
from tests.gates.factories import SETTINGS, WORLD, health
from tests.gates.simulation import World

EQUAL = World(rows=20_000, prevalence=0.2, days=24)


def verdict_of(change_challenger=None, change_champion=None, world=EQUAL):
    challenger, champion, holdout = health(2, world)
    paired = Paired.of(challenger, champion, holdout)
    if change_challenger is not None:
        paired = replace(paired, challenger=change_challenger(paired.challenger))
    if change_champion is not None:
        paired = replace(paired, champion=change_champion(paired.champion))
    return judge_calibration(paired, holdout, SETTINGS)


def sharpened(scores):
    odds = np.log(scores / (1 - scores))
    return 1 / (1 + np.exp(-2 * odds))


def shifted(scores):
    return np.clip(scores + 0.03, 0, 1)


def at_base_rate(scores):
    return np.full_like(scores, 0.2)


def test_an_equal_model_passes():
    verdict = verdict_of()
    assert verdict.has_passed, verdict.reason


def test_overconfidence_fails_although_the_ranking_is_the_same():
    verdict = verdict_of(sharpened)
    assert verdict.outcome is Outcome.FAILED


def test_a_shift_too_small_for_brier_fails_by_calibration_error():
    verdict = verdict_of(shifted)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.evidence["brier_difference"]["upper"] < SETTINGS.calibration_margin
    assert "calibration error is worse" in verdict.reason


def test_a_good_first_model_passes_against_a_perfectly_calibrated_constant():
    verdict = verdict_of(change_champion=at_base_rate)
    assert verdict.has_passed, verdict.reason
    # The contrast: by calibration error alone the constant is the better model.
    assert verdict.evidence["calibration_error_difference"]["value"] > 0


def test_a_better_ranking_does_not_buy_a_worse_brier_score():
    verdict = verdict_of(
        sharpened, at_base_rate, replace(EQUAL, champion_auc=0.6, challenger_auc=0.64)
    )
    assert verdict.outcome is Outcome.FAILED


def test_mending_the_calibration_of_the_champion_passes():
    verdict = verdict_of(change_champion=sharpened)
    assert verdict.has_passed
    assert "Brier is better" in verdict.reason


def test_too_few_rows_to_tell_is_inconclusive():
    verdict = verdict_of(world=replace(WORLD, rows=300, correlation=0.2, champion_auc=0.85))
    assert verdict.outcome is Outcome.INCONCLUSIVE
