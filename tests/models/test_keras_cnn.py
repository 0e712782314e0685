"""The small convolutional network: images of any size, and what it makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.models import parity
from pipelines.models.keras_cnn import KerasCnn
from tests.models.neural.small import accuracy, images, is_same, opened, rungs, trained


@pytest.fixture(scope="module")
def network() -> object:
    return trained(
        images(0, 1200, filters=8, epochs=15, batch_size=32, learning_rate_scale=3.0), KerasCnn()
    )


def test_it_reads_handwriting(network: object) -> None:
    assert accuracy(network, images(1200, 1797)) > 0.92  # type: ignore[arg-type]


def test_the_graph_answers_as_it_does(network: object, tmp_path: Path) -> None:
    known = images()
    session = opened(network, known.schema, tmp_path)  # type: ignore[arg-type]
    rows = parity.cases(known.frame, known.schema, seed=1)
    found = parity.differences(network, session, rows)  # type: ignore[arg-type]
    assert found.keys() == {"ordinary", "boundary", "missing"}
    assert max(found.values()) <= 1e-5, found


def test_its_layers_are_those_of_its_knobs() -> None:
    network = trained(images(filters=4, units=9, epochs=1), KerasCnn())
    shapes = [weight.shape for weight in network.weights if weight.ndim > 1]
    assert shapes == [(3, 3, 1, 4), (3, 3, 4, 8), (2 * 2 * 8, 9), (9, 10)]


def test_the_same_training_gives_the_same_network() -> None:
    known = images(filters=4, units=9, epochs=2)
    assert all(
        is_same(one, two)
        for one, two in zip(rungs(known, KerasCnn()), rungs(known, KerasCnn()), strict=True)
    )
