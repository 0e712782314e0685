"""A model never wins against itself."""

from __future__ import annotations

import numpy as np

from pipelines.gates.copy import same_file
from pipelines.gates.evidence import Candidate
from pipelines.verdicts import Outcome, Verdict


def judge_identity(challenger: Candidate, champion: Candidate) -> Verdict:
    """FAILED when both are the same file, or answer every row alike to the last bit.

    The digest alone is not enough: a graph that was exported again carries another time stamp or
    producer name, and is the same model.
    """
    evidence = {"challenger": challenger.digest, "champion": champion.digest}
    if challenger.digest == champion.digest:
        return same_file(champion.digest)
    if challenger.scores.size and np.array_equal(challenger.scores, champion.scores):
        reason = "identical to the champion: every answer on the holdout is the same"
        return Verdict("identity", Outcome.FAILED, reason, evidence)
    return Verdict("identity", Outcome.PASSED, "another model than the champion", evidence)
