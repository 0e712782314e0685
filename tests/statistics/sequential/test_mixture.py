"""Means in logarithms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.statistics.sequential.mixture import log_mean_exp, log_threshold


def test_it_is_the_logarithm_of_the_mean() -> None:
    values = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 60.0]])
    assert log_mean_exp(np.log(values)) == pytest.approx(np.log([2.0, 30.0]))


@pytest.mark.parametrize("shift", [-1e6, 1e6])
def test_it_neither_underflows_nor_overflows(shift: float) -> None:
    assert float(log_mean_exp(np.array([shift, shift]))) == shift


def test_a_threshold_is_one_over_the_level() -> None:
    assert math.exp(log_threshold(0.01)) == pytest.approx(100)
