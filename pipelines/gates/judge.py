"""The offline gate: every test asked, one verdict back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipelines.gates.behaviour import judge_behaviour
from pipelines.gates.budget import judge_budget
from pipelines.gates.calibration import judge_calibration
from pipelines.gates.compression import Compression, judge_compression
from pipelines.gates.evidence import Candidate, Holdout, Paired, Run
from pipelines.gates.identity import judge_identity
from pipelines.gates.noninferiority import judge_noninferiority
from pipelines.gates.overlap import judge_challenger_overlap, judge_champion_overlap
from pipelines.gates.shuffled import judge_shuffled_control
from pipelines.gates.single_feature import judge_single_features
from pipelines.gates.skew import judge_skew
from pipelines.gates.slices import judge_fairness, judge_slices
from pipelines.gates.usable import judge_holdout, judge_scores
from pipelines.settings import GateSettings
from pipelines.verdicts import Verdict, combine


def judge(
    challenger: Candidate,
    champion: Candidate,
    holdout: Holdout,
    settings: GateSettings,
    run: Run,
    compression: Compression | None = None,
) -> Verdict:
    """Whether the challenger may replace the champion.

    Every test is asked even when an earlier one said no, so that a person reads all that is
    wrong at once; only the comparisons are left out when there are no answers to compare.

    Args:
        challenger: the new model, with its answers on the holdout.
        champion: the model that it would replace, scored on the same rows.
        holdout: rows that neither has seen.
        settings: margins, error rates and the seed.
        run: why the challenger was trained and what was measured of it beside its answers.
        compression: what the challenger was before it was compressed, or None if it was not.

    Returns:
        PASSED only when every part passed. The evidence is ready for JSON and names what makes
        the verdict reproducible: data hash, both digests, seed.
    """
    parts = list(_parts(challenger, champion, holdout, settings, run))
    if compression is not None:
        parts.append(judge_compression(challenger, compression, holdout, settings))
    verdict = combine("gate", parts)
    asked = {part.name for part in verdict.parts}
    evidence = {
        "challenger": {"name": challenger.name, "digest": challenger.digest},
        "champion": {"name": champion.name, "digest": champion.digest},
        "holdout": {"data_hash": holdout.data_hash, "times_asked": int(holdout.times_asked)},
        "is_forced": run.is_forced,
        "settings": settings.model_dump(mode="json"),
        "not_asked": sorted({"slices", "fairness", "calibration"} - asked),
    }
    return replace(verdict, evidence=evidence)


def _parts(
    challenger: Candidate, champion: Candidate, holdout: Holdout, settings: GateSettings, run: Run
) -> Iterator[Verdict]:
    size, scores = judge_holdout(holdout), judge_scores(challenger, champion, holdout)
    yield size
    yield scores
    yield judge_identity(challenger, champion)
    yield judge_challenger_overlap(challenger, holdout)
    yield judge_champion_overlap(champion, holdout)
    yield judge_shuffled_control(run.control)
    if size.has_passed:
        yield judge_single_features(holdout, settings)
    if size.has_passed and scores.has_passed:
        yield from _comparisons(Paired.of(challenger, champion, holdout), holdout, settings, run)
    yield judge_behaviour(run.cases, settings)
    yield judge_skew(run.legs)
    yield judge_budget(challenger, settings.budget)


def _comparisons(
    paired: Paired, holdout: Holdout, settings: GateSettings, run: Run
) -> Iterator[Verdict]:
    yield judge_noninferiority(paired, holdout, settings, is_forced=run.is_forced)
    if paired.task != "regression":  # a value is no probability
        yield judge_calibration(paired, holdout, settings)
    ordinary = {
        name: values for name, values in holdout.slices.items() if name not in settings.fairness
    }
    if ordinary:
        yield judge_slices(paired, ordinary, settings)
    if settings.fairness:
        yield judge_fairness(paired, holdout.slices, settings)
