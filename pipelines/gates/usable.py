"""Can anything be asked at all? The holdout is large enough, and the answers are answers."""

from __future__ import annotations

import numpy as np

from pipelines.gates.evidence import Candidate, Holdout, Paired
from pipelines.statistics.arrays import Floats
from pipelines.statistics.blocks import Blocks
from pipelines.verdicts import Outcome, Verdict

# Below these the approximations behind every interval are not to be trusted: DeLong's normal
# limit with few rows of a class, Student's t with few blocks; what was measured is in
# docs/adr/0004-small-sample-intervals.md.
MINIMUM_CLASS_ROWS = 30
MINIMUM_BLOCKS = 8


def judge_holdout(holdout: Holdout) -> Verdict:
    """INCONCLUSIVE for a holdout that cannot answer, whatever the models are."""
    rows = int(holdout.labels.size)
    positives = int(holdout.labels.sum())
    blocks = Blocks.of(holdout.blocks)
    evidence = {
        "rows": rows,
        "positives": positives,
        "blocks": blocks.count,
        "has_independent_rows": blocks.are_rows,
        "times_asked": int(holdout.times_asked),
    }
    problem = shortage(positives, rows - positives, blocks, holdout.labels)
    if problem:
        return Verdict("holdout", Outcome.INCONCLUSIVE, f"too small: {problem}", evidence)
    return Verdict("holdout", Outcome.PASSED, f"{rows} rows in {blocks.count} blocks", evidence)


def shortage(positives: int, negatives: int, blocks: Blocks, labels: Floats) -> str:
    """What rows like these lack for an interval, or "" when they lack nothing."""
    for kind, count in (("positive", positives), ("negative", negatives)):
        if count < MINIMUM_CLASS_ROWS:
            return f"{count} {kind} rows, needs at least {MINIMUM_CLASS_ROWS}"
    if blocks.are_rows:
        return ""
    for kind, value in (("positive", 1), ("negative", 0)):
        holding = blocks.holding(labels == value)
        if holding < MINIMUM_BLOCKS:
            return (
                f"{kind} rows lie in {holding} blocks (days or groups), "
                f"needs at least {MINIMUM_BLOCKS}"
            )
    return ""


def lacking(paired: Paired) -> str:
    """`shortage` of the rows of a pair, for slices."""
    return shortage(paired.positives, paired.negatives, paired.blocks, paired.labels)


def judge_scores(challenger: Candidate, champion: Candidate, holdout: Holdout) -> Verdict:
    """Whether both candidates answered every row with a probability.

    A challenger that did not is refused. A champion that did not is a fault of the comparison:
    ERROR, since nothing was learned about the challenger.
    """
    for candidate in (challenger, champion):
        if candidate.scores.shape != holdout.labels.shape:
            reason = (
                f"{candidate.name} has answers of shape {candidate.scores.shape} "
                f"for labels of shape {holdout.labels.shape}"
            )
            return Verdict("scores", Outcome.ERROR, reason)
    evidence = {}
    for candidate, outcome in ((challenger, Outcome.FAILED), (champion, Outcome.ERROR)):
        wrong = int(np.count_nonzero(~((candidate.scores >= 0) & (candidate.scores <= 1))))
        evidence[candidate.name] = {"rows": int(candidate.scores.size), "no_probability": wrong}
        if wrong:
            reason = f"{candidate.name} gives no probability in 0 to 1 for {wrong} rows"
            return Verdict("scores", outcome, reason, evidence)
    if holdout.labels.size > 1 and np.ptp(challenger.scores) == 0:
        reason = f"{challenger.name} gives the same answer for every row"
        return Verdict("scores", Outcome.FAILED, reason, evidence)
    return Verdict("scores", Outcome.PASSED, "every answer is a probability", evidence)
