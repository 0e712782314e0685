from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from pipelines.statistics.drift.divergence import (
    MOST_BINS,
    bins_for,
    js_distance,
    stability_index,
)


def test_the_distance_is_jensen_shannons() -> None:
    known, seen = np.array([50, 30, 20]), np.array([10, 0, 40])
    expected = jensenshannon(known, seen, base=2)
    assert js_distance(known, seen) == pytest.approx(expected)
    assert js_distance(known, known * 2) == pytest.approx(0, abs=1e-7)
    assert js_distance(np.array([5, 0]), np.array([0, 5])) == pytest.approx(1)


def test_nothing_is_no_distance_from_anything() -> None:
    none, some = np.array([0, 0]), np.array([3, 4])
    assert js_distance(none, some) == 0
    assert stability_index(some, none) == 0


@pytest.mark.parametrize("rows", [150, 300, 1000, 100_000])
def test_chance_alone_does_not_come_near_the_limit(rows: int) -> None:
    draw = np.random.default_rng(rows)
    bins = bins_for(5000, rows)
    share = np.full(bins, 1 / bins)
    found = [
        js_distance(draw.multinomial(5000, share), draw.multinomial(rows, share))
        for _ in range(300)
    ]
    # The root of a mean is above the mean of roots.
    assert np.mean(found) <= 0.065
    assert np.mean(np.square(found)) <= 0.065**2 * 1.1


def test_more_rows_bear_more_bins() -> None:
    found = [bins_for(5000, rows) for rows in (0, 10, 200, 500, 1000, 10**6)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (2, MOST_BINS)
