"""Leaks, skews and other faults that have gone to production somewhere; each must be caught.

A plant takes a healthy promotion, breaks one thing, and names the part that must catch it. No
plant may end in PASSED, and a fault of the challenger must be a definite FAILED.
"""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.gates.evidence import Leg
from pipelines.gates.judge import judge
from pipelines.statistics.auc import chance_standard_error
from pipelines.statistics.chance import Chance
from pipelines.verdicts import Outcome
from tests.gates.factories import FIRST_HELD_DAY, RUN, SETTINGS, health

CHALLENGER, CHAMPION, HOLDOUT = health()
GENERATOR = np.random.default_rng(99)
HEALTHY = {"challenger": CHALLENGER, "champion": CHAMPION, "holdout": HOLDOUT, "run": RUN}


def with_feature(name, values):
    return {"holdout": replace(HOLDOUT, features={**HOLDOUT.features, name: values})}


def noisy_copy():
    return HOLDOUT.labels + GENERATOR.normal(0, 0.2, HOLDOUT.labels.size)


def missing_for_positives():
    values = GENERATOR.normal(size=HOLDOUT.labels.size)
    values[(HOLDOUT.labels == 1) & (GENERATOR.random(values.size) < 0.995)] = np.nan
    return values


def empty_string_for_positives():
    return np.where(HOLDOUT.labels == 1, "", GENERATOR.choice(["a", "b"], HOLDOUT.labels.size))


def positive_in_the_middle():
    outside = GENERATOR.choice([-1.0, 1.0], HOLDOUT.labels.size) * GENERATOR.uniform(
        1, 2, HOLDOUT.labels.size
    )
    return np.where(HOLDOUT.labels == 1, GENERATOR.uniform(-0.9, 0.9, outside.size), outside)


def category_of_the_outcome():
    codes = np.char.add(
        np.where(HOLDOUT.labels == 1, "late", "fine"),
        GENERATOR.integers(0, 20, HOLDOUT.labels.size).astype(str),
    )
    is_noise = GENERATOR.random(codes.size) < 0.005
    return np.where(is_noise, "other", codes)


def mean_of_own_label():
    """A target encoding fitted on the holdout: most owners have one row, so it is that row's."""
    owner = GENERATOR.integers(0, 10 * HOLDOUT.labels.size, HOLDOUT.labels.size)
    _, owner = np.unique(owner, return_inverse=True)
    return (np.bincount(owner, HOLDOUT.labels) / np.bincount(owner))[owner]


def trained_on_some_rows_of_the_holdout(candidate):
    hashes = np.r_[candidate.trained_row_hashes, HOLDOUT.row_hashes[:3]]
    return replace(candidate, trained_row_hashes=hashes)


def trained_on_a_group_of_the_holdout(candidate):
    return replace(candidate, trained_blocks=np.arange(FIRST_HELD_DAY + 1))


def some_scores(value):
    scores = CHALLENGER.scores.copy()
    scores[7] = value
    return {"challenger": replace(CHALLENGER, scores=scores)}


def leg(source, target, difference, tolerance):
    return {"run": replace(RUN, legs=(Leg(source, target, difference, tolerance, 1000),))}


PLANTS = {
    "label copied as a feature": (with_feature("copy", HOLDOUT.labels), "single features"),
    "noisy feature made of the label": (with_feature("noisy", noisy_copy()), "single features"),
    "label turned round": (with_feature("round", -HOLDOUT.labels), "single features"),
    "missing tells the label": (with_feature("gap", missing_for_positives()), "single features"),
    "empty string tells the label": (
        with_feature("blank", empty_string_for_positives()),
        "single features",
    ),
    "label in the middle of a range": (
        with_feature("middle", positive_in_the_middle()),
        "single features",
    ),
    "category named after the outcome": (
        with_feature("status", category_of_the_outcome()),
        "single features",
    ),
    "target-encoded category": (with_feature("encoded", mean_of_own_label()), "single features"),
    "rows on both sides of the split": (
        {"challenger": trained_on_some_rows_of_the_holdout(CHALLENGER)},
        "challenger overlap",
    ),
    "group on both sides of the split": (
        {"challenger": trained_on_a_group_of_the_holdout(CHALLENGER)},
        "challenger overlap",
    ),
    "training reaches into the future": (
        {"challenger": replace(CHALLENGER, trained_until=HOLDOUT.time[100])},
        "challenger overlap",
    ),
    "shuffled labels still predict": (
        {"run": replace(RUN, control=Chance("AUC", 0.56, 0.5, chance_standard_error(1200, 4800)))},
        "shuffled labels",
    ),
    "classes swapped": (
        {"challenger": replace(CHALLENGER, scores=1 - CHALLENGER.scores)},
        "non-inferiority",
    ),
    "the champion itself": ({"challenger": replace(CHAMPION, name="flights@v2")}, "identity"),
    "the champion exported again": (
        {"challenger": replace(CHALLENGER, scores=CHAMPION.scores.copy())},
        "identity",
    ),
    "ONNX departs from training": (leg("training", "onnx", 3e-3, 1e-4), "skew"),
    "bento departs from ONNX": (leg("onnx", "bento", 2e-6, 1e-6), "skew"),
    "bento answers with no number": (leg("onnx", "bento", np.inf, 1e-6), "skew"),
    "a score is not a number": (some_scores(np.nan), "scores"),
    "a score is a logit": (some_scores(3.2), "scores"),
    "the same score for all": (
        {"challenger": replace(CHALLENGER, scores=np.full_like(CHALLENGER.scores, 0.2))},
        "scores",
    ),
    "probabilities blown up by class weights": (
        {"challenger": replace(CHALLENGER, scores=np.sqrt(CHALLENGER.scores))},
        "calibration",
    ),
}

# Not the challenger's fault: nothing can be said, so nothing is promoted.
DOUBTS = {
    "champion trained on rows of the holdout": (
        {"champion": trained_on_some_rows_of_the_holdout(CHAMPION)},
        "champion overlap",
    ),
    "champion trained on a day of the holdout": (
        {"champion": trained_on_a_group_of_the_holdout(CHAMPION)},
        "champion overlap",
    ),
    "too few golden rows": (
        {"run": replace(RUN, legs=(Leg("training", "onnx", 0.0, 1e-4, 999),))},
        "skew",
    ),
}


def outcome_of(plant):
    parts = {**HEALTHY, **plant}
    verdict = judge(
        parts["challenger"], parts["champion"], parts["holdout"], SETTINGS, parts["run"]
    )
    return verdict, {part.name: part.outcome for part in verdict.parts}


def test_without_a_plant_the_promotion_passes():
    assert outcome_of({})[0].has_passed


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_refused(name):
    plant, caught_by = PLANTS[name]
    verdict, parts = outcome_of(plant)
    assert verdict.outcome is Outcome.FAILED, verdict.reason
    assert parts[caught_by] is Outcome.FAILED
    assert caught_by in verdict.reason


@pytest.mark.parametrize("name", DOUBTS)
def test_a_planted_doubt_is_not_promoted(name):
    plant, caught_by = DOUBTS[name]
    verdict, parts = outcome_of(plant)
    assert verdict.outcome is Outcome.INCONCLUSIVE, verdict.reason
    assert parts[caught_by] is Outcome.INCONCLUSIVE


def test_a_champion_that_gives_no_numbers_is_an_error_of_the_comparison():
    broken = replace(CHAMPION, scores=CHAMPION.scores * np.inf)
    verdict, parts = outcome_of({"champion": broken})
    assert verdict.outcome is Outcome.ERROR
    assert "non-inferiority" not in parts


@pytest.mark.parametrize("feature", ["tail_number", "carrier", "distance"])
def test_an_honest_feature_raises_no_alarm(feature):
    _, parts = outcome_of(
        {"holdout": replace(HOLDOUT, features={feature: HOLDOUT.features[feature]})}
    )
    assert parts["single features"] is Outcome.PASSED
