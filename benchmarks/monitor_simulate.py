"""How often a monitor is wrong: years in which nothing happens, and changes whose truth is known.

Seeds are fixed, so a count is a property of the code and not of the day.
"""

from __future__ import annotations

import time
from collections import Counter

import numpy as np

from benchmarks.monitor_runs import World, asked_on, labels_asked_on
from benchmarks.simulate import upper_bound

DAYS = 365
CALM = World(rows=1000, days=DAYS)


def run(years: int) -> None:
    """Print what calm years ask for, and how soon changes are found."""
    started = time.monotonic()
    causes: Counter[str] = Counter()
    for year in range(years):
        causes.update(cause for _, cause in asked_on(CALM, seed=year))
    print(f"{years:,} calm years, {CALM.rows:,} answers and labels a day, 20 features:")
    print(
        f"  false retrains a year: {sum(causes.values()) / years:.4f}  {dict(causes)}", flush=True
    )
    more = 5 * years
    alarms = sum(len(labels_asked_on(CALM, seed=10_000 + year)) for year in range(more))
    print(f"  of labels alone, {more:,} years: {alarms / more:.4f} a year", flush=True)
    for rows in (1000, 2000, 5000, 10_000, 20_000):
        _shift(rows, 0.3)
    _shift(1000, 0.4)
    for unsure in (0.1, 0.2, 0.4):
        _worse(unsure)
    print(f"{time.monotonic() - started:.0f} s")


def _shift(rows: int, shift: float, runs: int = 500) -> None:
    world = World(rows=rows, days=2, shift=shift)
    found = sum(bool(asked_on(world, seed=20_000 + run)) for run in range(runs))
    missed = upper_bound(runs - found, runs)
    print(
        f"  one feature moves by {shift} sd, windows of {rows:,}: found within 2 windows "
        f"{found / runs:.1%} (at least {1 - missed:.1%})",
        flush=True,
    )


def _worse(unsure: float, runs: int = 100) -> None:
    world = World(rows=1000, days=60, unsure=unsure)
    days = [next(iter(labels_asked_on(world, seed=30_000 + run)), None) for run in range(runs)]
    found = [day for day in days if day is not None]
    median = f"median day {np.median(found):.0f}" if found else "never"
    print(
        f"  labels of {unsure:.0%} of the answers drawn by lot: found in {len(found)} of {runs} "
        f"runs of 60 days, {median}",
        flush=True,
    )
