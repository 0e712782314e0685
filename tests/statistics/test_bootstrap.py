import numpy as np
import pytest

from pipelines.errors import DataError
from pipelines.statistics import block_measures, bootstrap, delong
from pipelines.statistics.blocks import Blocks
from tests.gates.simulation import World
from tests.statistics.data import sample


def test_independent_rows_in_blocks_give_the_error_of_delong():
    labels, champion, challenger, days = World(days=100, rows=8000).draw(1)
    blocks = Blocks.of(days)
    measure = block_measures.auc_difference(labels, challenger, champion, blocks)
    found = bootstrap.estimate(measure, blocks, rounds=2000, seed=1)
    expected = delong.paired_difference(labels, challenger, champion)
    assert found.value == pytest.approx(expected.value, abs=1e-12)
    assert found.standard_error == pytest.approx(expected.standard_error, rel=0.2)
    assert (found.degrees, found.units) == (99, 100)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    labels, scores = sample(600, 2)
    blocks = Blocks.of(np.arange(600) % 12)
    measure = block_measures.auc(labels, scores, blocks)
    first, again, other = (
        bootstrap.interval(measure, blocks, 300, 0.9, seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert first.low < first.value < first.high


def test_chunks_do_not_change_what_is_drawn(monkeypatch):
    blocks = Blocks.of(np.arange(50) % 5)
    whole = np.concatenate(list(bootstrap.multiplicities(blocks, 40, seed=3)))
    monkeypatch.setattr(bootstrap, "_CHUNK_CELLS", 350)
    parts = list(bootstrap.multiplicities(blocks, 40, seed=3))
    assert [len(part) for part in parts] == [7, 7, 7, 7, 7, 5]
    assert np.array_equal(np.concatenate(parts), whole)
    assert (whole.sum(axis=1) == 5).all()


def test_a_mean_over_few_blocks_gets_the_error_of_its_blocks():
    of_block = np.array([1.0, 2.0, 4.0, 8.0, 3.0, 5.0, 9.0, 2.0])
    values = np.repeat(of_block, 10)
    blocks = Blocks.of(np.repeat(np.arange(8), 10))
    found = bootstrap.estimate(block_measures.mean(values, blocks), blocks, 20_000, seed=1)
    expected = of_block.std(ddof=1) / np.sqrt(8)
    assert found.standard_error == pytest.approx(expected, rel=0.03)


def test_one_block_cannot_be_resampled():
    blocks = Blocks.of(np.zeros(10))
    with pytest.raises(DataError, match="1 block"):
        bootstrap.estimate(block_measures.mean(np.ones(10), blocks), blocks, 10, seed=1)


def test_too_many_resamples_without_an_answer_leave_the_error_unknown():
    labels = np.r_[1.0, np.zeros(19)]
    blocks = Blocks.of(np.arange(20) // 4)
    measure = block_measures.auc(labels, np.linspace(0, 1, 20), blocks)
    assert np.isnan(bootstrap.estimate(measure, blocks, 200, seed=1).standard_error)
