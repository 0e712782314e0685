"""Did a candidate see the holdout before it was examined on it?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipelines.gates.evidence import Candidate, Holdout
from pipelines.statistics.arrays import Array
from pipelines.verdicts import Outcome, Verdict, combine

_EXAMPLES = 5


def judge_challenger_overlap(challenger: Candidate, holdout: Holdout) -> Verdict:
    """FAILED when rows, days or groups of the holdout are in the challenger's training data."""
    return _judge("challenger overlap", challenger, holdout, Outcome.FAILED)


def judge_champion_overlap(champion: Candidate, holdout: Holdout) -> Verdict:
    """INCONCLUSIVE when the champion knows the holdout.

    Its score is then too good, so the comparison says nothing about the challenger, for or
    against: a later holdout has to decide.
    """
    return _judge("champion overlap", champion, holdout, Outcome.INCONCLUSIVE)


def _judge(name: str, candidate: Candidate, holdout: Holdout, found: Outcome) -> Verdict:
    parts = [
        _rows(candidate, holdout, found),
        _shared("blocks", candidate.trained_blocks, holdout.blocks, found),
    ]
    if holdout.time is not None:
        parts.append(_time_order(candidate, holdout.time, found))
    return combine(name, parts)


def _rows(candidate: Candidate, holdout: Holdout, found: Outcome) -> Verdict:
    """Rows in common, unless rows of this data repeat by themselves.

    A table of few small columns has equal rows on different days that nobody copied. How often
    a training row has its like in another block says how many to expect; more than that by three
    standard errors is a copy.
    """
    trained, blocks = candidate.trained_row_hashes, candidate.trained_blocks
    shared = _shared("rows", trained, holdout.row_hashes, found)
    if shared.outcome is not found or trained is None or blocks is None:
        return shared
    expected = _repeated_share(trained, blocks) if trained.shape == blocks.shape else 0.0
    seen = float(np.isin(holdout.row_hashes, trained).mean())
    limit = expected + 3 * math.sqrt(expected * (1 - expected) / holdout.row_hashes.size)
    evidence = {**shared.evidence, "share": seen, "expected_share": expected, "limit": limit}
    if expected > 0 and seen <= limit:
        reason = f"{seen:.2%} of the rows have their like in training, as rows of this data do"
        return Verdict("rows", Outcome.PASSED, reason, evidence)
    return replace(shared, evidence=evidence)


def _repeated_share(hashes: Array, blocks: Array) -> float:
    """The share of rows whose like stands in another block."""
    _, of_hash = np.unique(hashes, return_inverse=True)
    _, of_block = np.unique(blocks, return_inverse=True)
    pairs = np.unique(np.column_stack([of_hash, of_block]), axis=0)
    blocks_of_hash = np.bincount(pairs[:, 0])
    return float((blocks_of_hash[of_hash] > 1).mean())


def _shared(kind: str, trained: Array | None, held: Array, found: Outcome) -> Verdict:
    if trained is None:
        return Verdict(kind, Outcome.INCONCLUSIVE, f"the {kind} of the training are not known")
    if _kind(trained) != _kind(held):
        # Unequal types never compare equal, which would look like a clean split.
        reason = f"{kind} of training ({trained.dtype}) and holdout ({held.dtype}) do not compare"
        return Verdict(kind, Outcome.INCONCLUSIVE, reason)
    common = np.intersect1d(trained, held)
    evidence = {
        "trained": int(np.unique(trained).size),
        "held": int(np.unique(held).size),
        "shared": int(common.size),
        "examples": [str(value) for value in common[:_EXAMPLES]],
    }
    if common.size:
        reason = f"{common.size} {kind} are in both training and holdout, such as {common[0]}"
        return Verdict(kind, found, reason, evidence)
    return Verdict(kind, Outcome.PASSED, f"no {kind} in common", evidence)


def _time_order(candidate: Candidate, time: Array, found: Outcome) -> Verdict:
    if candidate.trained_until is None:
        return Verdict(
            "time", Outcome.INCONCLUSIVE, "the time of the newest training row is unknown"
        )
    newest = np.asarray(candidate.trained_until)
    is_unknown: Callable[[Array], Array] = np.isnat if time.dtype.kind == "M" else np.isnan
    if _kind(newest) != _kind(time):
        reason = f"times of training ({newest.dtype}) and holdout ({time.dtype}) do not compare"
        return Verdict("time", Outcome.INCONCLUSIVE, reason)
    if time.size == 0 or is_unknown(time).any() or is_unknown(newest):
        return Verdict("time", Outcome.INCONCLUSIVE, "some rows have no time")
    oldest = time.min()
    evidence = {"newest_training_row": str(newest), "oldest_holdout_row": str(oldest)}
    if newest >= oldest:
        reason = f"training reaches {newest}, the holdout begins at {oldest}"
        return Verdict("time", found, reason, evidence)
    return Verdict("time", Outcome.PASSED, "training ends before the holdout begins", evidence)


def _kind(values: Array) -> str:
    """Types that compare with one another; 64-bit hashes are exact, so floats are apart."""
    return "integer" if values.dtype.kind in "iu" else values.dtype.kind
