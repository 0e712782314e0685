"""Layers: names without counters, weights that depend on the seed alone."""

from __future__ import annotations

import numpy as np

from pipelines.models.neural.layers import Stack
from pipelines.models.neural.runtime import keras


def network(seed: int) -> object:
    stack = Stack(seed)
    stack.reshape((8, 8, 2))
    stack.convolve(3, size=5, step=2)
    stack.pool(size=3, step=2)
    stack.flatten()
    stack.dense(7)
    stack.drop(0.5)
    stack.drop(0.0)
    return keras().Sequential([keras().Input((128,)), *stack.layers])


def test_the_layers_are_those_asked_for() -> None:
    layers = network(1).layers  # type: ignore[attr-defined]
    assert [layer.name for layer in layers] == [
        "image_0",
        "convolution_1",
        "pool_2",
        "flat_3",
        "dense_4",
        "dropout_5",
    ]
    assert [layer.output.shape for layer in layers] == [
        (None, 8, 8, 2),
        (None, 4, 4, 3),
        (None, 2, 2, 3),
        (None, 12),
        (None, 7),
        (None, 7),
    ]


def test_weights_depend_on_the_seed_alone() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        return network(seed).get_weights()  # type: ignore[attr-defined, no-any-return]

    np.random.seed(0)
    first = weights(1)
    np.random.seed(1)
    again, other = weights(1), weights(2)
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_layers_of_one_size_begin_with_different_weights() -> None:
    stack = Stack(1)
    stack.dense(9)
    stack.dense(9)
    first, second = keras().Sequential([keras().Input((9,)), *stack.layers]).layers
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])
