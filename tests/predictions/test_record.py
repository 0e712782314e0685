"""A record knows its rows."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipelines.predictions.record import Answered
from pipelines.schema import Schema
from tests.predictions.factories import BINARY, IMAGE, REGRESSION, answered, wordy


@pytest.mark.parametrize("schema", [BINARY, IMAGE, REGRESSION], ids=lambda schema: schema.target)
def test_rows_are_those_of_its_tensors(schema: Schema) -> None:
    assert answered(rows=5, schema=schema).rows == 5


def test_a_request_without_tensors_has_no_rows() -> None:
    assert answered(tensors={}).rows == 0


MILLION = 1_000_000


def words(*rows: str) -> dict[str, Any]:
    return {"categories": np.array([[row] for row in rows], dtype=object)}


@pytest.mark.parametrize(
    "make",
    [
        answered,
        lambda: answered(rows=5000, schema=IMAGE),
        lambda: answered(tensors={"numbers": np.zeros((1, 784))}),
        lambda: answered(outputs={"probabilities": np.zeros((1, 1000))}),
        lambda: answered(rows=3000, tensors=words(*(f"tail-{n}" for n in range(3000)))),
        lambda: wordy(7, 3_900_000),
        lambda: answered(tensors=words("\N{FOUR LEAF CLOVER}".ljust(MILLION, "x"))),
        lambda: answered(requests=[answered(n).requests[0] for n in range(500)]),
    ],
    ids=["a row", "rows", "pixels", "classes", "strings", "a string", "a wide one", "requests"],
)
def test_its_size_is_the_memory_that_it_takes(make: Callable[[], Answered]) -> None:
    make()  # what the first one imports and caches is not its own
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        record = make()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken / 2 < record.size < 2 * taken
