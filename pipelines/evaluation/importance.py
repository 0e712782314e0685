"""What a model listens to: permutation importance (Breiman 2001) on the exported graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from pipelines.schema import Schema, Task
from pipelines.statistics import quality
from pipelines.statistics.arrays import Array, Floats

Columns = tuple[str, ...]
Shuffled = Callable[[Columns, npt.NDArray[np.int64] | None], Floats]
_PATCHES = 4
_REPEATS = 3


def groups(schema: Schema) -> dict[str, Columns]:
    """The columns that are shuffled together, by the name of the group.

    Each feature on its own; of an image the patches of a grid of 4 x 4, because one pixel is
    known from its neighbours and would never be missed.
    """
    if schema.image is None:
        return {name: (name,) for name in schema.features}
    height, width, channels = schema.image
    names = np.array(schema.numbers).reshape(height, width, channels)
    found = {}
    for rows in np.array_split(np.arange(height), min(_PATCHES, height)):
        for columns in np.array_split(np.arange(width), min(_PATCHES, width)):
            title = f"rows {rows[0]}-{rows[-1]}, columns {columns[0]}-{columns[-1]}"
            found[title] = tuple(names[np.ix_(rows, columns)].ravel().tolist())
    found.update({name: (name,) for name in schema.categories})
    return found


def importance(
    task: Task, score: Shuffled, among: Mapping[str, Columns], labels: Array, seed: int
) -> dict[str, float]:
    """What the measure of the task loses when columns are shuffled, the largest loss first.

    Args:
        task: of the model.
        score: gives the scores of the rows when some columns are permuted; ((), None) permutes
            nothing.
        among: the columns to shuffle together, by name.
        labels: of the rows.
        seed: of the permutations; each group is shuffled three times, and the mean is taken.
    """
    generator = np.random.default_rng(seed)
    whole = quality.goodness(task, labels, score((), None))
    lost = {
        name: whole
        - float(
            np.mean(
                [
                    quality.goodness(
                        task, labels, score(columns, generator.permutation(len(labels)))
                    )
                    for _ in range(_REPEATS)
                ]
            )
        )
        for name, columns in among.items()
    }
    return dict(sorted(lost.items(), key=lambda item: -item[1]))
