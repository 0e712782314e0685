"""What counts as broken, column by column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.monitoring.comparing import NumberReference
from pipelines.monitoring.profile import Profile
from pipelines.monitoring.soundness import faults
from pipelines.monitoring.windows import Frozen
from pipelines.settings import MonitorSettings

ROWS = 2000


def _with_gaps(share: float, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    values = chance.normal(size=ROWS)
    values[chance.permutation(ROWS)[: round(share * ROWS)]] = np.nan
    return values


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (0.1, 0.25, None),
        (0.1, 0.4, "40% of the values are missing, 10% before"),
        (0.7, 0.95, None),  # gusts of wind, in a calm month
        (0.7, 1.0, "has no value at all"),
    ],
    ids=["a few more", "a silent sensor", "mostly missing", "nothing left"],
)
def test_gaps_are_a_fault_where_there_were_few(before: float, now: float, said: str | None) -> None:
    reference = NumberReference.of(_with_gaps(before, 1))
    seen = reference.see(_with_gaps(now, 2))
    profile = Profile(ROWS, {"feature gust": seen}, pa.table({}), 0, None)
    window = Frozen(Path("window.parquet"), ROWS, {}, {}, 0.0)
    found = faults(window, profile, {"feature gust": reference}, MonitorSettings())
    assert [fault.problem for fault in found] == ([] if said is None else [said])
