"""What a model costs is what its graph costs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pipelines.errors import ModelError
from pipelines.frames import features, labels
from pipelines.models.base import Fitted, Training, last
from pipelines.models.logistic import Logistic
from pipelines.tuning.cost import measure
from tests.small import SCHEMA, table

ROWS = table(400)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    training = Training(features(ROWS, SCHEMA), labels(ROWS, SCHEMA), SCHEMA, {}, 7)
    return last(Logistic().fit(training))


def test_size_is_that_of_the_file(fitted: Fitted) -> None:
    expected = len(fitted.to_onnx("shop")) / 1e6
    assert measure("size", fitted, "shop", SCHEMA, ROWS) == expected > 0.0005


def test_latency_is_milliseconds_of_one_row(fitted: Fitted) -> None:
    assert 0.002 < measure("latency", fitted, "shop", SCHEMA, ROWS) < 20


@dataclass
class Broken:
    """A model whose export is no graph."""

    def to_onnx(self, name: str) -> bytes:
        return b"no graph"


def test_a_graph_that_does_not_run_is_refused() -> None:
    with pytest.raises(ModelError, match="the graph cannot be used"):
        measure("latency", Broken(), "shop", SCHEMA, ROWS)  # type: ignore[arg-type]
