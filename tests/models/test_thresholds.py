"""Thresholds rounded down: the same split for every float32 value."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.models.thresholds import floored

_NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(_NUMBERS, min_size=1), st.lists(_NUMBERS, min_size=1))
def test_every_float32_value_stays_on_its_side(exact: list[float], values: list[float]) -> None:
    thresholds = np.array(exact)
    lowered = floored(thresholds)
    assert np.array_equal(lowered, lowered.astype(np.float32))
    near = np.concatenate([thresholds, np.array(values)]).astype(np.float32)
    seen = np.concatenate([near, np.nextafter(near, np.float32(np.inf))])[:, None]
    assert np.array_equal(seen <= thresholds, seen <= lowered)
