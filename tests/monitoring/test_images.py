from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from pipelines.monitoring.comparing import NumberReference
from pipelines.monitoring.images import COMPONENTS, STATISTICS, Projector
from pipelines.statistics.drift.numbers import ks_distance

PIXELS = load_digits().data


def _farthest(changed: np.ndarray) -> tuple[str, float]:
    """The measurement that tells half of the digits from the other half, and how far."""
    half = PIXELS[::2]
    projector = Projector.fit(half, (8, 8, 1), seed=7)
    before, now = projector(half), projector(changed)
    found = {}
    for name, values in before.items():
        reference = NumberReference.of(values)
        found[name] = ks_distance(reference.steps, reference.see(now[name]).placed)
    return max(found.items(), key=lambda item: item[1])


def test_each_image_becomes_a_few_numbers() -> None:
    projector = Projector.fit(PIXELS, (8, 8, 1), seed=7)
    found = projector(PIXELS[:5].astype(np.float32))
    assert len(found) == COMPONENTS + len(STATISTICS)
    assert all(values.shape == (5,) for values in found.values())
    assert np.allclose(found["brightness"], PIXELS[:5].mean(axis=1))


def test_the_same_kind_of_image_is_near_and_another_is_far() -> None:
    assert _farthest(PIXELS[1::2])[1] < 0.1
    assert _farthest(PIXELS[1::2] + 2)[1] > 0.5
    name, distance = _farthest(np.roll(PIXELS[1::2].reshape(-1, 8, 8), 2, axis=2).reshape(-1, 64))
    assert name.startswith("component")
    assert distance > 0.3
