import json
from dataclasses import replace

import numpy as np
import pytest

from pipelines.errors import DataError
from pipelines.gates.evidence import Run
from pipelines.gates.judge import judge
from pipelines.verdicts import Outcome, Verdict
from tests.gates.factories import RUN, SETTINGS, WORLD, health


def test_a_good_challenger_passes_every_part():
    verdict = judge(*health(), SETTINGS, RUN)
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert [part.name for part in verdict.parts] == [
        "holdout",
        "scores",
        "identity",
        "challenger overlap",
        "champion overlap",
        "shuffled labels",
        "single features",
        "non-inferiority",
        "calibration",
        "slices",
        "behaviour",
        "skew",
        "budget",
    ]
    assert verdict.evidence["not_asked"] == ["fairness"]


def test_independent_rows_are_judged_without_days():
    challenger, champion, holdout = health()
    rows = np.arange(holdout.labels.size)
    apart = replace(holdout, blocks=rows + 10_000, time=None)
    verdict = judge(challenger, champion, apart, SETTINGS, RUN)
    assert verdict.has_passed, verdict.reason
    parts = {part.name: part.evidence for part in verdict.parts}
    assert parts["non-inferiority"]["method"] == "DeLong"
    assert parts["calibration"]["brier_difference"]["units"] == rows.size


def test_the_same_evidence_gives_the_same_verdict_to_the_last_digit():
    first = judge(*health(), SETTINGS, RUN)
    again = judge(*health(), SETTINGS, RUN)
    assert json.dumps(first.to_json()) == json.dumps(again.to_json())
    other = judge(*health(), SETTINGS.model_copy(update={"seed": 8}), RUN)
    assert json.dumps(other.to_json()) != json.dumps(first.to_json())


def test_every_verdict_survives_strict_json():
    challenger, champion, holdout = health()
    for broken in (challenger, replace(challenger, scores=challenger.scores * np.nan)):
        verdict = judge(broken, champion, holdout, SETTINGS, RUN)
        text = json.dumps(verdict.to_json(), allow_nan=False)
        assert Verdict.from_json(json.loads(text)).outcome is verdict.outcome
        assert _only_plain(verdict.to_json())


def _only_plain(value):
    if isinstance(value, dict):
        return all(type(key) is str and _only_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_only_plain(item) for item in value)
    return value is None or type(value) in (str, int, float, bool)


def test_nothing_measured_is_not_a_pass():
    challenger, champion, holdout = health()
    unmeasured = replace(challenger, latency_ms=None, megabytes=None)
    verdict = judge(unmeasured, champion, holdout, SETTINGS, Run(is_forced=True))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    unknown = {part.name for part in verdict.parts if part.outcome is Outcome.INCONCLUSIVE}
    assert unknown == {"shuffled labels", "behaviour", "skew", "budget"}


def test_a_model_that_nobody_asked_for_must_be_better():
    challenger, champion, holdout = health()
    unforced = replace(RUN, is_forced=False)
    assert judge(challenger, champion, holdout, SETTINGS, unforced).has_passed
    dearer = SETTINGS.model_copy(update={"minimum_lift": 0.05})
    refused = judge(challenger, champion, holdout, dearer, unforced)
    assert refused.outcome is Outcome.FAILED
    assert "unforced" in refused.reason


def test_a_worn_out_holdout_says_yes_to_less():
    # A narrow case: shown at the first price, and not at that of the 201st question.
    narrow = replace(WORLD, champion_auc=0.847)
    challenger, champion, holdout = health(1, narrow)
    settings = SETTINGS.model_copy(update={"margin": 0.009})
    fresh = judge(challenger, champion, holdout, settings, RUN)
    worn = judge(challenger, champion, replace(holdout, times_asked=200), settings, RUN)
    assert fresh.has_passed, fresh.reason
    assert worn.outcome is Outcome.INCONCLUSIVE


def test_fairness_columns_are_judged_apart_from_slices():
    settings = SETTINGS.model_copy(update={"fairness": ("origin",), "slice_positives": 100})
    verdict = judge(*health(), settings, RUN)
    tested = {
        part.name: {found["slice"].split("=")[0] for found in part.evidence["tested"]}
        for part in verdict.parts
        if part.name in ("slices", "fairness")
    }
    assert tested == {"slices": {"carrier"}, "fairness": {"origin"}}


def test_a_holdout_of_unequal_columns_cannot_be_built():
    _, _, holdout = health()
    with pytest.raises(DataError, match=r"holdout: slices\.origin"):
        replace(holdout, slices={"origin": np.array(["JFK"])})
    with pytest.raises(DataError, match="holdout: labels"):
        replace(holdout, labels=holdout.labels * 2)
