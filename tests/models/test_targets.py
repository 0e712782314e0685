"""A folded layer answers in the unit of the target what it answered on the scale."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models.targets import Scale


def test_scaled_and_folded_is_the_target_again() -> None:
    draw = np.random.default_rng(0)
    values, weights, bias = draw.normal(40, 90, 200), draw.normal(size=(5, 1)), draw.normal(size=1)
    scale = Scale.of(values)
    assert scale.scaled(values).mean() == pytest.approx(0)
    assert scale.scaled(values).std() == pytest.approx(1)
    rows = draw.normal(size=(7, 5))
    folded_weights, folded_bias = scale.folded(weights, bias)
    wanted = (rows @ weights + bias) * values.std() + values.mean()
    np.testing.assert_allclose(rows @ folded_weights + folded_bias, wanted)


def test_a_constant_target_is_left_where_it_is() -> None:
    assert Scale.of(np.full(3, 7.0)).scaled(np.full(3, 7.0)).tolist() == [0, 0, 0]
