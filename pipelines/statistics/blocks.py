"""Rows that belong together: the days, entities or groups that are drawn as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.statistics.arrays import Array, Floats, Indices, Mask


@dataclass(frozen=True, eq=False)
class Blocks:
    """Which block each row is in.

    Attributes:
        of_row: shape (rows,), the number of the row's block, from 0 without gaps.
        count: how many blocks there are.
    """

    of_row: Indices
    count: int

    @classmethod
    def of(cls, labels: Array) -> Blocks:
        """Number the blocks of rows that are labelled with anything sortable: days, names, ids."""
        distinct, of_row = np.unique(labels, return_inverse=True)
        return cls(of_row.reshape(-1).astype(np.int64), int(distinct.size))

    @property
    def are_rows(self) -> bool:
        """Whether every row is a block of its own, which is to say that rows are independent."""
        return self.count == self.of_row.size

    def total(self, values: Array) -> Floats:
        """Sum of `values`, shape (rows,), over each block: shape (blocks,)."""
        return np.bincount(self.of_row, values, minlength=self.count).astype(np.float64)

    def merged(self, at_most: int, seed: int) -> Blocks:
        """The same rows in at most so many blocks, by joining whole blocks at random.

        Independent blocks stay independent when they are joined, so a resample of the joined
        ones is as valid, with (at_most - 1) degrees of freedom, and costs much less.
        """
        if self.count <= at_most:
            return self
        shuffled = np.random.default_rng(seed).permutation(self.count)
        return Blocks((shuffled % at_most)[self.of_row], at_most)

    def where(self, mask: Mask) -> Blocks:
        """The blocks of the rows that are kept, numbered anew."""
        return Blocks.of(self.of_row[mask])

    def holding(self, mask: Mask) -> int:
        """How many blocks hold at least one of the rows of `mask`."""
        return int(np.unique(self.of_row[mask]).size)
