"""Records of requests that nobody sent, for what is computed from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.stress.records import RECORD, Ending, Records


def records(milliseconds: Any, rate: float = 100.0, **columns: Any) -> Records:
    """One request for each latency, all answered as soon as they were sent, unless told else."""
    taken = np.asarray(milliseconds, dtype=np.float64) / 1e3
    made = np.zeros(len(taken), dtype=RECORD)
    made["due"] = np.arange(len(taken)) / rate
    made["sent"] = made["due"]
    made["done"] = made["due"] + taken
    made["status"] = 200
    made["ending"] = Ending.ANSWERED
    made["was_awaited"] = True
    for name, values in columns.items():
        made[name] = values
    return made
