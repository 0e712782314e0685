from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.statistics.sequential.change import _SHARES, Detector


def test_it_is_the_recursion_in_any_portions() -> None:
    draw = np.random.default_rng(0)
    values = draw.beta(2, 6, size=500)
    limit, state = 0.2, np.zeros(_SHARES.size)
    peak = 0.0
    for value in values:
        state = (state + 1) * (1 + _SHARES / limit * (value - limit))
        peak = max(peak, state.mean())
    whole = Detector.start(limit).after(values)
    parts = Detector.start(limit).after(values[:123]).after(values[123:123]).after(values[123:])
    assert np.log1p(state) == pytest.approx(whole.logs)
    assert parts.logs == pytest.approx(whole.logs)
    assert whole.peak == pytest.approx(math.log(peak))
    assert parts.count == whole.count == 500


def test_false_alarms_are_as_rare_as_promised_at_the_very_limit() -> None:
    """The promise is a mean of at least A values; to be alarmed by 500 has a chance of 500/A."""
    draw = np.random.default_rng(1)
    runs = [
        Detector.start(0.2).after((draw.random(500) < 0.2).astype(float)).has_alarmed(5000)
        for _ in range(400)
    ]
    assert np.mean(runs) <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / 400)


def test_a_rise_is_found_soon_however_long_it_was_calm_before() -> None:
    draw = np.random.default_rng(2)
    calm = Detector.start(0.22).after(draw.beta(2, 8, size=100_000))
    assert not calm.has_alarmed(1e5)
    worse = calm.after(draw.beta(2, 5, size=1500))
    assert worse.has_alarmed(1e5)


def test_before_the_first_value_nothing_has_alarmed() -> None:
    assert not Detector.start(0.3).has_alarmed(1.0)
