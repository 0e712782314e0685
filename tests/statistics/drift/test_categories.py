from __future__ import annotations

import numpy as np
import pytest

from pipelines.statistics.drift import categories


def test_rare_and_unknown_names_are_one() -> None:
    known, seen = categories.pooled({"a": 50, "b": 5, "c": 4}, {"a": 10, "c": 2, "z": 3})
    assert known.tolist() == [50, 5, 4]
    assert seen.tolist() == [10, 0, 5]


def test_nothing_is_like_anything() -> None:
    none, some = np.array([0, 0]), np.array([3, 4])
    assert categories.homogeneity_p(some, none) == 1


@pytest.mark.parametrize("names", [2, 12])
def test_the_p_value_is_small_as_often_as_it_says(names: int) -> None:
    draw = np.random.default_rng(names)
    share = draw.dirichlet(np.full(names, 3.0))
    found = [
        categories.homogeneity_p(draw.multinomial(3000, share), draw.multinomial(1000, share))
        for _ in range(1000)
    ]
    assert 0.03 < np.mean(np.array(found) < 0.05) < 0.075
