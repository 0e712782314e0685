"""Training on shuffled labels must find nothing: whatever it finds came through a leak."""

from __future__ import annotations

import math

from pipelines.gates.evidence import plain
from pipelines.statistics.chance import Chance
from pipelines.verdicts import Outcome, Verdict

STANDARD_ERRORS = 3.0


def judge_shuffled_control(control: Chance | None) -> Verdict:
    """FAILED when shuffled labels are predicted 3 standard errors away from chance."""
    name = "shuffled labels"
    if control is None:
        return Verdict(name, Outcome.INCONCLUSIVE, "the shuffled-label control was not run")
    if not (math.isfinite(control.value) and control.standard_error > 0):
        reason = f"the shuffled-label control has no {control.measure}"
        return Verdict(name, Outcome.INCONCLUSIVE, reason)
    distance = (control.value - control.expected) / control.standard_error
    evidence = {
        "measure": control.measure,
        "value": plain(control.value),
        "expected": plain(control.expected),
        "standard_error": plain(control.standard_error),
        "distance_in_standard_errors": plain(distance),
    }
    seen = (
        f"{control.measure} {control.value:.4f} on shuffled labels is {distance:+.1f} standard "
        f"errors from {control.expected:.3g}"
    )
    outcome = Outcome.FAILED if abs(distance) > STANDARD_ERRORS else Outcome.PASSED
    return Verdict(name, outcome, seen, evidence)
