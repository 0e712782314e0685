"""AlexNet: the layers of the paper, and the whole way from CIFAR's format to a graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.datasets import cifar10
from pipelines.frames import features, labels
from pipelines.gates.budget import judge_budget
from pipelines.gates.evidence import Candidate
from pipelines.models import parity
from pipelines.models.alexnet import AlexNet
from pipelines.models.base import Training
from pipelines.models.neural.runtime import keras
from pipelines.schema import Schema
from pipelines.settings import BudgetSettings, IngestSettings
from pipelines.verdicts import Outcome
from tests.models.neural.small import accuracy, opened, trained


def _images(height: int, width: int, channels: int) -> Schema:
    pixels = tuple(f"p{place}" for place in range(height * width * channels))
    return Schema(pixels, (), "y", image=(height, width, channels))


def test_its_layers_are_those_of_the_paper() -> None:
    stack = AlexNet().layers({"width": 1.0, "dropout": 0.5}, 1, _images(32, 32, 3))
    network = keras().Sequential([keras().Input((3072,)), *stack, keras().layers.Dense(10)])
    convolutions = [layer for layer in stack if layer.name.startswith("convolution")]
    assert [(layer.filters, layer.kernel_size[0]) for layer in convolutions] == [
        (96, 11),
        (256, 5),
        (384, 3),
        (384, 3),
        (256, 3),
    ]
    assert [layer.strides[0] for layer in convolutions] == [4, 1, 1, 1, 1]
    assert [layer.units for layer in stack if layer.name.startswith("dense")] == [4096, 4096]
    assert [layer.rate for layer in stack if layer.name.startswith("dropout")] == [0.5, 0.5]
    assert network.count_params() == 21_622_154


def known(images: int) -> tuple[Training, Training]:
    """Drawn images to learn from, and a quarter as many that are asked."""
    settings = IngestSettings(dataset="cifar10", source=f"synthetic:{images * 5 // 4}")
    [(_, frame)] = cifar10.Cifar10().read(settings).partitions
    params = {"width": 0.125, "epochs": 12, "batch_size": 16, "patience": 0}
    schema = cifar10.SCHEMA
    first, second = (
        Training(features(part, schema), labels(part, schema), schema, params, seed=1)
        for part in (frame.iloc[:images], frame.iloc[images:])
    )
    return first, second


@pytest.mark.slow
def test_it_learns_and_its_graph_answers_as_it_does(tmp_path: Path) -> None:
    learned, asked = known(800)
    network = trained(learned, AlexNet())
    assert accuracy(network, asked) > 0.35  # chance is 0.1
    session = opened(network, learned.schema, tmp_path)
    rows = {
        kind: part.head(200)
        for kind, part in parity.cases(learned.frame.head(50), learned.schema, seed=1).items()
    }
    found = parity.differences(network, session, rows)
    assert max(found.values()) <= 1e-5, found


@pytest.mark.slow
def test_the_full_width_is_over_the_default_budget_and_the_gate_says_which_key_is_asked() -> None:
    learned, _ = known(24)
    full = replace(learned, params={"epochs": 1, "batch_size": 24, "patience": 0})
    graph = trained(full, AlexNet()).to_onnx("cifar10")
    megabytes = len(graph) / 1e6
    assert 86 < megabytes < 87
    # As docs/how-to/neural.md says it: half the width, a quarter of the weights.
    half = replace(full, params={**full.params, "width": 0.5})
    assert len(trained(half, AlexNet()).to_onnx("cifar10")) / 1e6 == pytest.approx(22, abs=0.5)
    challenger = Candidate("full", "a" * 64, np.ones(1), latency_ms=5.0, megabytes=megabytes)
    verdict = judge_budget(challenger, BudgetSettings())
    assert verdict.outcome is Outcome.FAILED
    assert "86.5 MB, allowed 50 MB: raise gate.budget.megabytes" in verdict.reason
    roomier = BudgetSettings(megabytes=100)
    assert judge_budget(challenger, roomier).outcome is Outcome.PASSED


def test_narrower_by_one_factor() -> None:
    stack = AlexNet().layers({"width": 0.25, "dropout": 0.5}, 1, _images(8, 8, 1))
    network = keras().Sequential([keras().Input((64,)), *stack])
    assert network.output_shape == (None, 1024)
