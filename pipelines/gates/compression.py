"""Is the compressed model as good as the one that it was made from?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.gates import differences
from pipelines.gates.evidence import Candidate, Holdout, Paired, plain
from pipelines.gates.usable import judge_holdout, judge_scores
from pipelines.settings import GateSettings
from pipelines.verdicts import Outcome, Verdict, combine

NAME = "compression"


@dataclass(frozen=True, eq=False)
class Compression:
    """What was done to the challenger, and what it was before.

    Attributes:
        kind: such as `dynamic_int8`.
        before: the same model uncompressed, measured as the challenger is.
    """

    kind: str
    before: Candidate


def judge_compression(
    challenger: Candidate, compression: Compression, holdout: Holdout, settings: GateSettings
) -> Verdict:
    """PASSED when a loss of `compression_margin` is excluded, and the file got smaller.

    The two are nearly the same model, so a paired test needs few rows; where every row is
    answered alike, nothing was lost.
    """
    usable = [judge_holdout(holdout), judge_scores(challenger, compression.before, holdout)]
    if not all(part.has_passed for part in usable):
        return combine(NAME, usable)
    before, margin = compression.before, settings.compression_margin
    estimate = differences.quality(Paired.of(challenger, before, holdout), settings)
    evidence = {
        "kind": compression.kind,
        "difference": differences.described(estimate, settings.alpha),
        "margin": margin,
        "megabytes": {"before": plain(before.megabytes), "after": plain(challenger.megabytes)},
        "p99_latency_ms": {
            "before": plain(before.latency_ms),
            "after": plain(challenger.latency_ms),
        },
        "answers_changed_by": plain(float(np.abs(challenger.scores - before.scores).max())),
    }
    seen = (
        f"{compression.kind}: {before.megabytes or 0:.3g} to {challenger.megabytes or 0:.3g} MB, "
        f"quality {estimate.value:+.4f}, at least {estimate.lower(settings.alpha):+.4f}"
    )
    if estimate.lower(settings.alpha) > -margin:
        return Verdict(NAME, Outcome.PASSED, seen, evidence)
    if estimate.upper(settings.alpha) < -margin:
        return Verdict(NAME, Outcome.FAILED, f"{seen}: worse by more than {margin}", evidence)
    reason = f"{seen}: a loss of {margin} is not excluded"
    return Verdict(NAME, Outcome.INCONCLUSIVE, reason, evidence)
