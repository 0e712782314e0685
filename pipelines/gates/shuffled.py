"""Training on shuffled labels must find nothing: whatever it finds came through a leak."""

from __future__ import annotations

import math

from pipelines.gates.evidence import ShuffledControl, plain
from pipelines.statistics.auc import chance_standard_error
from pipelines.verdicts import Outcome, Verdict

STANDARD_ERRORS = 3.0


def judge_shuffled_control(control: ShuffledControl | None) -> Verdict:
    """FAILED when the AUC on shuffled labels is further than 3 standard errors from one half."""
    name = "shuffled labels"
    if control is None:
        return Verdict(name, Outcome.INCONCLUSIVE, "the shuffled-label control was not run")
    if min(control.positives, control.negatives) < 1 or not math.isfinite(control.auc):
        return Verdict(name, Outcome.INCONCLUSIVE, "the shuffled-label control has no AUC")
    error = chance_standard_error(control.positives, control.negatives)
    distance = (control.auc - 0.5) / error
    evidence = {
        "auc": plain(control.auc),
        "standard_error": plain(error),
        "distance_in_standard_errors": plain(distance),
        "positives": int(control.positives),
        "negatives": int(control.negatives),
    }
    seen = f"AUC {control.auc:.4f} on shuffled labels is {distance:+.1f} standard errors from .5"
    if abs(distance) > STANDARD_ERRORS:
        return Verdict(name, Outcome.FAILED, seen, evidence)
    return Verdict(name, Outcome.PASSED, seen, evidence)
