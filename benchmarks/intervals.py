"""How long the interval of a gate takes: AUC of two models on one holdout, resampled by days."""

from __future__ import annotations

import statistics
import time

from pipelines.statistics import block_measures, bootstrap
from pipelines.statistics.blocks import Blocks
from tests.gates.simulation import World

_ROUNDS = 7
_RESAMPLES = 2000


def run() -> None:
    """Print the median of seven rounds, in milliseconds."""
    labels, champion, challenger, days = World().draw(1)
    blocks = Blocks.of(days)
    milliseconds = []
    for seed in range(_ROUNDS):
        begun = time.perf_counter()
        measure = block_measures.auc_difference(labels, challenger, champion, blocks)
        bootstrap.interval(measure, blocks, rounds=_RESAMPLES, confidence=0.95, seed=seed)
        milliseconds.append(1e3 * (time.perf_counter() - begun))
    print(
        f"interval of an AUC difference, {labels.size:,} rows in {blocks.count} blocks, "
        f"{_RESAMPLES:,} resamples: {statistics.median(milliseconds):.0f} ms"
    )
