"""How often a monitor is wrong: years in which nothing happens, and changes whose truth is known.

Seeds are fixed, so a count is a property of the code and not of the day.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from benchmarks.monitor_runs import World, asked_on, labels_asked_on
from benchmarks.simulate import upper_bound

DAYS = 365
# A year of daily windows, and years of windows that are larger and as many.
CALM = (World(rows=1000, days=DAYS), World(rows=5000, days=DAYS), World(rows=10_000, days=DAYS))
_LARGE_SHARE = 0.02


def run(years: int) -> None:
    """Print what calm years ask for, and how soon changes are found."""
    started = time.monotonic()
    first, *larger = CALM
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        _calm(pool, first, years)
        for rows in (1000, 5000, 10_000):
            _shift(pool, rows, 0.3)
        _shift(pool, 1000, 0.2)
        for unsure in (0.1, 0.2, 0.4):
            _worse(pool, unsure)
        for world in larger:
            _calm(pool, world, max(1, round(_LARGE_SHARE * years)))
    print(f"{time.monotonic() - started:.0f} s")


def _calm(pool: ProcessPoolExecutor, world: World, years: int) -> None:
    causes: Counter[str] = Counter()
    for asked in pool.map(partial(asked_on, world), range(years), chunksize=5):
        causes.update(cause for _, cause in asked)
    print(f"{years:,} calm years of {DAYS} windows of {world.rows:,} answers and labels:")
    print(f"  false retrains a year: {causes.total() / years:.4f}  {dict(causes)}", flush=True)


def _shift(pool: ProcessPoolExecutor, rows: int, shift: float, runs: int = 1000) -> None:
    world = World(rows=rows, days=2, shift=shift)
    found = sum(map(bool, pool.map(partial(asked_on, world), _seeds(20_000, runs), chunksize=50)))
    missed = upper_bound(runs - found, runs)
    print(
        f"  one feature moves by {shift} sd, windows of {rows:,}: found within 2 windows "
        f"{found / runs:.2%} (at least {1 - missed:.2%})",
        flush=True,
    )


def _worse(pool: ProcessPoolExecutor, unsure: float, runs: int = 100) -> None:
    world = World(rows=1000, days=60, unsure=unsure)
    days = [
        next(iter(asked), None)
        for asked in pool.map(partial(labels_asked_on, world), _seeds(30_000, runs))
    ]
    found = [day for day in days if day is not None]
    median = f"median day {np.median(found):.0f}" if found else "never"
    print(
        f"  labels of {unsure:.0%} of the answers drawn by lot: found in {len(found)} of {runs} "
        f"runs of 60 days, {median}",
        flush=True,
    )


def _seeds(first: int, runs: int) -> Iterator[int]:
    return iter(range(first, first + runs))
