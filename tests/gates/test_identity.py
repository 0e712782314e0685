from dataclasses import replace

from pipelines.gates.identity import judge_identity
from pipelines.verdicts import Outcome
from tests.gates.factories import health


def test_only_another_model_passes():
    challenger, champion, _ = health()
    assert judge_identity(challenger, champion).has_passed
    same_file = judge_identity(replace(challenger, digest=champion.digest), champion)
    assert same_file.outcome is Outcome.FAILED
    assert "identical to the champion" in same_file.reason
    same_answers = judge_identity(replace(challenger, scores=champion.scores.copy()), champion)
    assert same_answers.outcome is Outcome.FAILED


def test_one_other_answer_is_another_model():
    challenger, champion, _ = health()
    scores = champion.scores.copy()
    scores[0] /= 2
    assert judge_identity(replace(challenger, scores=scores), champion).has_passed
