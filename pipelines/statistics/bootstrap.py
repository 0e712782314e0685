"""How far a measure may be off when rows come in blocks that were drawn as a whole.

Rows of one day share weather, strikes and outages; rows of one customer share the customer. A
test that takes them for independent sees more evidence than there is. Here whole blocks are
drawn with replacement (Field and Welsh 2007) and the spread over resamples is the standard error.

The textbook percentile interval is too narrow with few blocks, twice over: a resample of B blocks
has (B - 1)/B of the variance that it should have, and the normal limit is far at B = 20. So the
standard error is scaled by sqrt(B / (B - 1)) and bounds use Student's t with B - 1 degrees of
freedom, as for any cluster-robust error (Cameron, Gelbach and Miller 2008).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pipelines.errors import DataError
from pipelines.statistics.arrays import Floats
from pipelines.statistics.block_measures import Measure
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.estimate import Estimate, Interval

# Cells of the largest array that a chunk of resamples may need: 16 MB of float64.
_CHUNK_CELLS = 2**21


def multiplicities(blocks: Blocks, rounds: int, seed: int) -> Iterator[Floats]:
    """Chunks of shape (resamples, blocks) that hold how often each block was drawn."""
    generator = np.random.default_rng(seed)
    chunk = max(1, _CHUNK_CELLS // max(blocks.of_row.size, 1))
    even = np.full(blocks.count, 1 / blocks.count)
    for start in range(0, rounds, chunk):
        size = min(chunk, rounds - start)
        yield generator.multinomial(blocks.count, even, size=size).astype(np.float64)


def replicates(measure: Measure, blocks: Blocks, rounds: int, seed: int) -> Floats:
    """The measure of each resample, shape (rounds,); NaN where a resample has no answer."""
    return np.concatenate([measure(weights) for weights in multiplicities(blocks, rounds, seed)])


def estimate(measure: Measure, blocks: Blocks, rounds: int, seed: int) -> Estimate:
    """The measure on all blocks with its small-sample standard error.

    Args:
        measure: one of `pipelines.statistics.block_measures`, built on the same blocks.
        blocks: what is drawn; at least two.
        rounds: how many resamples.
        seed: the same seed gives the same answer, to the last bit.

    Returns:
        An estimate with (blocks - 1) degrees of freedom. Its standard error is NaN when more
        than one resample in twenty has no answer.

    Raises:
        DataError: there are fewer than two blocks.
    """
    if blocks.count < 2:
        raise DataError(
            f"{blocks.count} block cannot be resampled",
            where="blocks",
            next_step="measure over at least two days or groups",
        )
    drawn = replicates(measure, blocks, rounds, seed)
    error = math.nan
    if np.isnan(drawn).mean() <= 0.05:
        error = float(np.nanstd(drawn, ddof=1)) * math.sqrt(blocks.count / (blocks.count - 1))
    value = float(measure(np.ones((1, blocks.count)))[0])
    return Estimate(value, error, degrees=blocks.count - 1, units=blocks.count)


def interval(
    measure: Measure, blocks: Blocks, rounds: int, confidence: float, seed: int
) -> Interval:
    """Two-sided interval of a measure; see `estimate`.

    Raises:
        DataError: there are fewer than two blocks.
    """
    return estimate(measure, blocks, rounds, seed).interval(confidence)
