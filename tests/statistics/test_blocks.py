import numpy as np
import pytest

from pipelines.statistics.blocks import Blocks

DAYS = np.array(["2013-01-02", "2013-01-01", "2013-01-02"], dtype="datetime64[D]")


@pytest.mark.parametrize(
    "labels", [DAYS, DAYS.astype(str), np.array([7, 3, 7]), DAYS.astype(str).astype(object)]
)
def test_any_sortable_label_makes_a_block(labels):
    blocks = Blocks.of(labels)
    assert blocks.of_row.tolist() == [1, 0, 1]
    assert blocks.count == 2
    assert not blocks.are_rows
    assert blocks.total(np.array([1.0, 2.0, 3.0])).tolist() == [2.0, 4.0]


def test_rows_of_their_own_are_independent():
    assert Blocks.of(np.array([5, 6, 7])).are_rows


def test_keeping_rows_forgets_the_blocks_of_the_others():
    kept = Blocks.of(np.array([0, 1, 2, 2])).where(np.array([True, False, True, True]))
    assert kept.count == 2
    assert kept.of_row.tolist() == [0, 1, 1]


def test_holding_counts_the_blocks_of_the_mask():
    assert Blocks.of(np.array([0, 0, 1, 2])).holding(np.array([True, True, False, True])) == 2


def test_merging_keeps_blocks_whole():
    blocks = Blocks.of(np.repeat(np.arange(1000), 3))
    merged = blocks.merged(40, seed=1)
    assert merged.count == 40
    assert np.bincount(merged.of_row).tolist() == [75] * 40
    assert all(len(set(merged.of_row[blocks.of_row == one])) == 1 for one in range(0, 1000, 97))
    assert np.array_equal(merged.of_row, blocks.merged(40, seed=1).of_row)
    assert blocks.merged(1000, seed=1) is blocks
