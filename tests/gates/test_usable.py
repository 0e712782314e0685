from dataclasses import replace

import numpy as np
import pytest

from pipelines.gates.evidence import Candidate, Holdout
from pipelines.gates.judge import judge
from pipelines.gates.usable import judge_holdout, judge_scores
from pipelines.verdicts import Outcome
from tests.gates.factories import RUN, SETTINGS, health


def holdout_of(labels, blocks):
    return Holdout(
        labels=np.array(labels, dtype=float),
        blocks=np.array(blocks),
        row_hashes=np.arange(len(labels), dtype=np.uint64),
        data_hash="x",
    )


TOO_SMALL = {
    "empty": holdout_of([], []),
    "one class": holdout_of([0] * 500, range(500)),
    "few positives": holdout_of([1] * 29 + [0] * 500, range(529)),
    "few negatives": holdout_of([1] * 500 + [0] * 29, range(529)),
    "few days": holdout_of([1, 0] * 100, np.arange(200) // 29),
    "positives on few days": holdout_of([1] * 100 + [0] * 400, np.arange(500) // 20),
}


@pytest.mark.parametrize("name", TOO_SMALL)
def test_a_holdout_that_cannot_answer_is_inconclusive_and_never_an_exception(name):
    holdout = TOO_SMALL[name]
    assert judge_holdout(holdout).outcome is Outcome.INCONCLUSIVE
    generator = np.random.default_rng(1)
    challenger, champion = (
        Candidate(
            name,
            digest=name,
            scores=generator.random(holdout.labels.size),
            trained_blocks=np.array([-1]),
            trained_row_hashes=np.array([10**6], dtype=np.uint64),
            latency_ms=1.0,
            megabytes=1.0,
        )
        for name in ("new", "old")
    )
    verdict = judge(challenger, champion, holdout, SETTINGS, RUN)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "too small" in verdict.reason


def test_enough_rows_of_their_own_need_no_days():
    assert judge_holdout(holdout_of([1, 0] * 30, range(60))).has_passed


def test_answers_for_other_rows_are_an_error():
    challenger, champion, holdout = health()
    short = replace(champion, scores=champion.scores[:-1])
    verdict = judge_scores(challenger, short, holdout)
    assert verdict.outcome is Outcome.ERROR
    assert "flights@v1" in verdict.reason


def test_a_constant_champion_is_no_fault():
    challenger, champion, holdout = health()
    constant = replace(champion, scores=np.full_like(champion.scores, 0.2))
    assert judge_scores(challenger, constant, holdout).has_passed
