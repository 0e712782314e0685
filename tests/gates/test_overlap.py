from dataclasses import replace

import numpy as np
import pytest

from pipelines.gates.overlap import judge_challenger_overlap, judge_champion_overlap
from pipelines.verdicts import Outcome
from tests.gates.factories import health

CHALLENGER, CHAMPION, HOLDOUT = health()

UNKNOWN = {
    "rows not known": {"trained_row_hashes": None},
    "blocks not known": {"trained_blocks": None},
    "time not known": {"trained_until": None},
    "hashes of another kind": {"trained_row_hashes": HOLDOUT.row_hashes.astype(str)},
    "days written otherwise": {"trained_blocks": HOLDOUT.blocks.astype(str)},
    "time of another kind": {"trained_until": 12.5},
    "no time": {"trained_until": np.datetime64("NaT")},
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_compared_is_not_a_clean_split(name):
    candidate = replace(CHALLENGER, **UNKNOWN[name])
    assert judge_challenger_overlap(candidate, HOLDOUT).outcome is Outcome.INCONCLUSIVE


def test_64_bit_hashes_are_compared_exactly():
    # As floats these two are one number.
    near = np.array([2**63 + 1], dtype=np.uint64)
    held = np.full(HOLDOUT.labels.size, 2**63 + 2, dtype=np.uint64)
    holdout = replace(HOLDOUT, row_hashes=held)
    assert judge_challenger_overlap(
        replace(CHALLENGER, trained_row_hashes=near), holdout
    ).has_passed


def test_the_evidence_names_what_is_shared():
    candidate = replace(CHALLENGER, trained_row_hashes=HOLDOUT.row_hashes[:9])
    verdict = judge_challenger_overlap(candidate, HOLDOUT)
    rows = next(part for part in verdict.parts if part.name == "rows")
    assert verdict.outcome is Outcome.FAILED
    assert rows.evidence["shared"] == 9
    assert rows.evidence["examples"] == ["10000000", "10000001", "10000002", "10000003", "10000004"]


def test_training_up_to_the_first_held_moment_is_too_far():
    at_the_edge = replace(CHAMPION, trained_until=HOLDOUT.time.min())
    assert judge_challenger_overlap(at_the_edge, HOLDOUT).outcome is Outcome.FAILED
    assert judge_champion_overlap(at_the_edge, HOLDOUT).outcome is Outcome.INCONCLUSIVE


def test_numeric_time_and_no_time_both_work():
    seconds = replace(HOLDOUT, time=HOLDOUT.blocks.astype(float))
    assert judge_challenger_overlap(replace(CHALLENGER, trained_until=999.0), seconds).has_passed
    late = judge_challenger_overlap(replace(CHALLENGER, trained_until=1001.0), seconds)
    assert late.outcome is Outcome.FAILED
    timeless = replace(HOLDOUT, time=None)
    assert judge_challenger_overlap(replace(CHALLENGER, trained_until=None), timeless).has_passed


def test_a_holdout_with_holes_in_its_time_is_inconclusive():
    time = HOLDOUT.time.copy()
    time[3] = np.datetime64("NaT")
    verdict = judge_challenger_overlap(CHALLENGER, replace(HOLDOUT, time=time))
    assert verdict.outcome is Outcome.INCONCLUSIVE


def small_table(rows=6000, copied=0, seed=3):
    """Days of a table whose rows repeat by themselves; some of the holdout's may be copied in."""
    generator = np.random.default_rng(seed)
    hashes = generator.zipf(1.3, rows).astype(np.uint64)
    held = generator.zipf(1.3, HOLDOUT.labels.size).astype(np.uint64)
    unique = np.arange(10**6, 10**6 + HOLDOUT.labels.size, dtype=np.uint64)
    is_unique = generator.random(held.size) < 0.5
    held[is_unique] = unique[is_unique]
    rare = generator.random(rows) < 0.5
    hashes[rare] = np.arange(10**7, 10**7 + rows, dtype=np.uint64)[rare]
    hashes[:copied] = held[is_unique][:copied]
    days = (np.arange(rows) // 100 + 10**5).astype(HOLDOUT.blocks.dtype)
    candidate = replace(CHALLENGER, trained_row_hashes=hashes, trained_blocks=days)
    return candidate, replace(HOLDOUT, row_hashes=held)


def rows_of(verdict):
    return next(part for part in verdict.parts if part.name == "rows")


def test_rows_that_repeat_by_themselves_are_no_leak():
    candidate, holdout = small_table()
    rows = rows_of(judge_challenger_overlap(candidate, holdout))
    assert rows.has_passed, rows
    assert rows.evidence["shared"] > 0


def test_copies_among_rows_that_repeat_are_found():
    candidate, holdout = small_table(copied=len(HOLDOUT.labels) // 10)
    assert rows_of(judge_challenger_overlap(candidate, holdout)).outcome is Outcome.FAILED
