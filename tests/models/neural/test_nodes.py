"""A part of a graph: names that do not depend on anything but the part."""

from __future__ import annotations

import numpy as np

from pipelines.models.neural.nodes import Part, constant
from pipelines.schema import Schema
from tests.models.neural.graphs import run

SCHEMA = Schema(("a", "b"), (), "y")


def part() -> Part:
    made = Part()
    shifted = made.node("Sub", ["numbers", made.held("one", np.array(1.0))])
    made.output = made.as_float(shifted, -2.0, 2.0)
    return made


def test_missing_is_zero_and_the_rest_is_clipped() -> None:
    numbers = np.array([[np.nan, 1.0], [1e30, -1e30], [1.5, 0.0]])
    found = run(part(), SCHEMA, {"numbers": numbers})
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 0], [2, -2], [0.5, -1]]


def test_the_same_part_has_the_same_names() -> None:
    one, two = part(), part()
    assert [str(node) for node in one.nodes] == [str(node) for node in two.nodes]
    assert [each.name for each in one.arrays] == [each.name for each in two.arrays]
    assert len({each.name for each in one.arrays}) == len(one.arrays)


def test_shapes_are_int64() -> None:
    assert constant(-1, 4).dtype == np.int64
