"""Do the challenger's probabilities mean what they say, as well as the champion's do?

Two measures, because each alone can be fooled. The calibration error (ECE) is 0 for a model that
says the base rate for every row: held against such a champion, any model that dares to
discriminate looks worse. The Brier score is proper, so it rewards both, and can be bought with
discrimination alone. So what has to be shown depends on what the challenger has to offer:

- at equal ranking, that neither measure is worse by `calibration_margin`: ECE compares like with
  like then, and the Brier score guards what ECE does not see;
- a challenger whose AUC or accuracy is shown to be better by more than `margin` is another kind
  of model, and ECE would hold its boldness against it: its Brier score must not be worse;
- a Brier score that is shown to be better, or worse by the margin, settles the matter by itself.
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
    alpha, margin = settings.alpha, settings.calibration_margin
    price = spent_alpha(alpha, holdout.times_asked)
    ranks_better = differences.quality(paired, settings).lower(price) > settings.margin
    is_within = brier.upper(price) < margin and error.upper(price) < margin
    # The first that applies is the answer.
    answers = (
        (brier.lower(alpha) > margin, Outcome.FAILED, "Brier is worse by more than the margin"),
        (brier.upper(price) < 0, Outcome.PASSED, "Brier is better"),
        (
            ranks_better and brier.upper(price) < margin,
            Outcome.PASSED,
            "it ranks better by more than the margin, and Brier is not worse by it",
        ),
        (
            error.lower(alpha) > margin,
            Outcome.FAILED,
            "the calibration error is worse by more than the margin",
        ),
        (is_within, Outcome.PASSED, "neither is worse by the margin"),
        (True, Outcome.INCONCLUSIVE, "one of them may be worse by more than the margin"),
    )
    outcome, reason = next((outcome, reason) for applies, outcome, reason in answers if applies)
    evidence = {
        "brier_difference": differences.described(brier, price),
        "calibration_error_difference": differences.described(error, price),
        "calibration_error": differences.described(own, price),
        "calibration_margin": margin,
        "ranks_better": ranks_better,
    }
    seen = f"Brier {brier.value:+.4f}, calibration error {error.value:+.4f} to the champion's"
    return Verdict("calibration", outcome, f"{seen}: {reason}", evidence)
