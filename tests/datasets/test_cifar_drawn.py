"""The drawings: ten classes that can be told apart by their shape, and by nothing simpler."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.datasets.cifar_drawn import SHAPES, drawn


@pytest.fixture(scope="module")
def images() -> tuple[np.ndarray, np.ndarray]:
    return drawn(1000)


def test_there_are_as_many_of_each_class(images: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, labels = images
    assert pixels.shape == (1000, 32, 32, 3)
    assert pixels.dtype == np.uint8
    assert np.bincount(labels).tolist() == [100] * len(SHAPES)


def test_the_first_are_the_same_whatever_the_count(images: tuple[np.ndarray, np.ndarray]) -> None:
    assert np.array_equal(drawn(30)[0], images[0][:30])


def test_no_two_are_alike(images: tuple[np.ndarray, np.ndarray]) -> None:
    assert len(np.unique(images[0].reshape(1000, -1), axis=0)) == 1000


def test_brightness_does_not_give_the_class_away(images: tuple[np.ndarray, np.ndarray]) -> None:
    """Nor does any single pixel: the class with the nearest mean is right by chance only."""
    pixels, labels = images
    for feature in (pixels.mean(axis=(1, 2, 3)), pixels[:, 16, 16, 0].astype(float)):
        known, asked = np.arange(1000) < 700, np.arange(1000) >= 700
        means = np.array([feature[known & (labels == each)].mean() for each in range(10)])
        guess = np.abs(feature[asked][:, None] - means).argmin(axis=1)
        assert (guess == labels[asked]).mean() < 0.2


def test_the_shapes_are_all_different() -> None:
    down, right = np.mgrid[-16:16, -16:16].astype(float)
    masks = [shape(down, right, 8.0) for shape in SHAPES]
    for place, one in enumerate(masks):
        assert 0.02 < one.mean() < 0.9
        assert all((one != two).mean() > 0.03 for two in masks[:place])
