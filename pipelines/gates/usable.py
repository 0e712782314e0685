"""Can anything be asked at all? The holdout is large enough, and the answers are answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.gates.evidence import Candidate, Holdout, Paired, supporting
from pipelines.schema import Task
from pipelines.statistics.arrays import Floats, Mask
from pipelines.statistics.blocks import Blocks
from pipelines.verdicts import Outcome, Verdict

# Below these the approximations behind every interval are not to be trusted: DeLong's normal
# limit with few rows of a class, Student's t with few blocks; what was measured is in
# docs/adr/0004-small-sample-intervals.md.
MINIMUM_CLASS_ROWS = 30
MINIMUM_BLOCKS = 8
ANSWERS: dict[Task, str] = {
    "binary": "probability in 0 to 1",
    "multiclass": "distribution over the classes",
    "regression": "finite number",
}


def judge_holdout(holdout: Holdout) -> Verdict:
    """INCONCLUSIVE for a holdout that cannot answer, whatever the models are."""
    rows = int(holdout.labels.size)
    blocks = Blocks.of(holdout.blocks)
    evidence = {
        "rows": rows,
        "support": {
            kind: int(mask.sum()) for kind, mask in supporting(holdout.task, holdout.labels).items()
        },
        "blocks": blocks.count,
        "has_independent_rows": blocks.are_rows,
        "times_asked": int(holdout.times_asked),
    }
    problem = shortage(supporting(holdout.task, holdout.labels), blocks)
    if problem:
        return Verdict("holdout", Outcome.INCONCLUSIVE, f"too small: {problem}", evidence)
    return Verdict("holdout", Outcome.PASSED, f"{rows} rows in {blocks.count} blocks", evidence)


def shortage(support: Mapping[str, Mask], blocks: Blocks) -> str:
    """What rows like these lack for an interval, or "" when they lack nothing."""
    for kind, mask in support.items():
        if mask.sum() < MINIMUM_CLASS_ROWS:
            return f"{int(mask.sum())} {kind} rows, needs at least {MINIMUM_CLASS_ROWS}"
    if blocks.are_rows:
        return ""
    for kind, mask in support.items():
        holding = blocks.holding(mask)
        if holding < MINIMUM_BLOCKS:
            return (
                f"{kind} rows lie in {holding} blocks (days or groups), "
                f"needs at least {MINIMUM_BLOCKS}"
            )
    return ""


def lacking(paired: Paired) -> str:
    """`shortage` of the rows of a pair, for slices."""
    return shortage(supporting(paired.task, paired.labels), paired.blocks)


def judge_scores(challenger: Candidate, champion: Candidate, holdout: Holdout) -> Verdict:
    """Whether both candidates answered every row, and with what the task asks for.

    A challenger that did not is refused. A champion that did not is a fault of the comparison:
    ERROR, since nothing was learned about the challenger.
    """
    for candidate in (challenger, champion):
        if len(candidate.scores) != len(holdout.labels) or (
            candidate.scores.ndim != challenger.scores.ndim
        ):
            reason = (
                f"{candidate.name} has answers of shape {candidate.scores.shape} "
                f"for labels of shape {holdout.labels.shape}"
            )
            return Verdict("scores", Outcome.ERROR, reason)
    evidence = {}
    for candidate, outcome in ((challenger, Outcome.FAILED), (champion, Outcome.ERROR)):
        wrong = int(np.count_nonzero(~is_answer(holdout.task, candidate.scores)))
        evidence[candidate.name] = {"rows": len(candidate.scores), "no_answer": wrong}
        if wrong:
            reason = f"{candidate.name} gives no {ANSWERS[holdout.task]} for {wrong} rows"
            return Verdict("scores", outcome, reason, evidence)
    if holdout.labels.size > 1 and np.ptp(challenger.scores, axis=0).max() == 0:
        reason = f"{challenger.name} gives the same answer for every row"
        return Verdict("scores", Outcome.FAILED, reason, evidence)
    reason = f"every answer is a {ANSWERS[holdout.task]}"
    return Verdict("scores", Outcome.PASSED, reason, evidence)


def is_answer(task: Task, scores: Floats) -> Mask:
    """Which answers are what the task asks for, shape (rows,); see `ANSWERS`."""
    if task == "regression":
        return np.isfinite(scores)
    is_within = (scores >= 0) & (scores <= 1)
    if task == "binary":
        return is_within
    # float32 probabilities do not add up to 1 exactly.
    return is_within.all(axis=1) & (np.abs(scores.sum(axis=1) - 1) < 1e-3)
