"""An incremental challenger beside a full training of the same rows, as evidence."""

from __future__ import annotations

import pandas as pd

from pipelines.errors import EvergreenError
from pipelines.gates.evidence import Holdout
from pipelines.gates.full import Fit, with_full, without_full
from pipelines.models.refitting import Refit, side_by_side
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings
from pipelines.verdicts import Verdict


def beside(
    verdict: Verdict,
    paths: ModelPaths,
    settings: ModelSettings,
    frame: pd.DataFrame,
    holdout: Holdout,
) -> Verdict:
    """The gate's verdict, for an incremental model with the comparison in its evidence.

    Not a stage: seconds differ from run to run, and what a stage writes must not.

    Args:
        verdict: of the gate.
        paths, settings: of the challenger.
        frame: the rows of the holdout, as `splits` holds them.
        holdout: the same, as the gate sees them.
    """
    if settings.train.mode == "full" or not settings.gate.compare_full:
        return verdict
    try:
        part, whole = side_by_side(paths, settings, frame)
    except EvergreenError as error:
        # What cannot be compared is said in the report; the gate's own tests have been asked.
        return without_full(verdict, str(error))
    return with_full(verdict, (_fit(part), _fit(whole)), holdout, settings.gate)


def _fit(refit: Refit) -> Fit:
    return Fit(refit.scores, refit.seconds, refit.rows)
