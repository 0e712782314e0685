"""Do the challenger's probabilities mean what they say, as well as the champion's do?

Two measures, because each alone can be fooled. The calibration error (ECE) is 0 for a model that
says the base rate for every row: held against such a champion, any model that dares to
discriminate looks worse. The Brier score is proper, so it rewards both, and can be bought with
discrimination alone. Hence:

- the Brier score must be shown not to be worse than `brier_margin`;
- the ECE must be shown not to be worse than `calibration_margin`, unless the Brier score is shown
  to be *better*: what was lost in calibration was then more than paid back;
- yet an ECE that is shown to be worse and beyond `calibration_limit` is refused all the same:
  whoever set a threshold on these probabilities would be misled.
"""

from __future__ import annotations

from pipelines.gates import differences
from pipelines.gates.evidence import Holdout, Paired
from pipelines.settings import GateSettings
from pipelines.statistics.multiplicity import spent_alpha
from pipelines.verdicts import Outcome, Verdict


def judge_calibration(paired: Paired, holdout: Holdout, settings: GateSettings) -> Verdict:
    """Compare calibration error and Brier score, challenger minus champion, with intervals."""
    brier = differences.brier(paired, settings)
    error = differences.calibration_error(paired, settings)
    own = differences.own_calibration_error(paired, settings)
    alpha = settings.alpha
    price = spent_alpha(alpha, holdout.times_asked)
    is_brier_better = brier.upper(price) < 0
    is_error_worse = error.lower(alpha) > settings.calibration_margin
    is_beyond_limit = own.lower(alpha) > settings.calibration_limit
    # The first that applies is the answer: definite refusals before doubts, doubts before a yes.
    answers = (
        (
            brier.lower(alpha) > settings.brier_margin,
            Outcome.FAILED,
            "the Brier score is worse by more than the margin",
        ),
        (
            is_error_worse and is_beyond_limit,
            Outcome.FAILED,
            "the calibration error is worse and beyond the limit",
        ),
        (
            is_error_worse and not is_brier_better,
            Outcome.FAILED,
            "the calibration error is worse by more than the margin",
        ),
        (is_brier_better, Outcome.PASSED, "the Brier score is better"),
        (
            not brier.upper(price) < settings.brier_margin,
            Outcome.INCONCLUSIVE,
            "the Brier score may be worse by more than the margin",
        ),
        (
            error.upper(price) < settings.calibration_margin,
            Outcome.PASSED,
            "neither is worse by more than its margin",
        ),
        (True, Outcome.INCONCLUSIVE, "the calibration error may be worse by more than the margin"),
    )
    outcome, reason = next((outcome, reason) for applies, outcome, reason in answers if applies)
    evidence = {
        "brier_difference": differences.described(brier, price),
        "calibration_error_difference": differences.described(error, price),
        "calibration_error": differences.described(own, price),
        "brier_margin": settings.brier_margin,
        "calibration_margin": settings.calibration_margin,
        "calibration_limit": settings.calibration_limit,
    }
    seen = f"Brier {brier.value:+.4f}, calibration error {error.value:+.4f}"
    return Verdict("calibration", outcome, f"{seen}: {reason}", evidence)
