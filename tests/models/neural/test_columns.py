"""What a network is given of a table: the same numbers in training and in the graph."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pipelines.frames import features, tensors
from pipelines.models.neural.columns import LIMIT, Columns
from pipelines.schema import Schema
from tests.models.neural.graphs import run
from tests.small import SCHEMA, table

FRAME = pd.DataFrame(
    {
        "spend": [1.0, 2.0, 3.0, np.nan],
        "visits": [7.1, 7.1, 7.1, 7.1],
        "age": [np.nan] * 4,
        "city": ["b", "a", None, "b"],
        "plan": ["full"] * 4,
    }
)


def fitted(frame: pd.DataFrame, schema: Schema = SCHEMA) -> Columns:
    return Columns.fitted(features(frame, schema), schema)


def test_numbers_are_standardised_and_categories_one_hot() -> None:
    made = fitted(FRAME).transform(features(FRAME, SCHEMA), SCHEMA)
    assert made.dtype == np.float32
    deviation = np.sqrt(2 / 3)
    assert np.allclose(made[:, 0], [-1 / deviation, 0, 1 / deviation, 0])
    assert fitted(FRAME).categories == (("", "a", "b"), ("full",))
    assert made[:, 3:].tolist() == [[0, 0, 1, 1], [0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 1]]


def test_a_column_that_never_varied_says_nothing_later_either() -> None:
    known = fitted(FRAME)
    later = features(FRAME.assign(visits=1e9, age=-1e9), SCHEMA)
    assert (known.transform(later, SCHEMA)[:, 1:3] == 0).all()


@pytest.mark.parametrize("value", [1e30, -1e30])
def test_an_absurd_value_is_clipped(value: float) -> None:
    made = fitted(FRAME).transform(features(FRAME.assign(spend=value), SCHEMA), SCHEMA)
    assert (np.abs(made[:, 0]) == LIMIT).all()


def test_a_category_that_training_did_not_see_is_all_zeros() -> None:
    made = fitted(FRAME).transform(features(FRAME.assign(city="c"), SCHEMA), SCHEMA)
    assert (made[:, 3:6] == 0).all()


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        Schema(SCHEMA.numbers, (), "left"),
        Schema((), SCHEMA.categories, "left"),
        Schema(("age",), (), "left"),
    ],
)
def test_the_nodes_do_exactly_the_same(schema: Schema) -> None:
    frame = pd.concat([table(200), FRAME, FRAME.assign(spend=1e30, city="c")], ignore_index=True)
    known = fitted(table(200), schema)
    made = known.transform(features(frame, schema), schema)
    assert made.shape == (len(frame), known.width)
    assert np.array_equal(run(known.part(), schema, tensors(frame, schema)), made)


def test_it_survives_being_written_down() -> None:
    known = fitted(table(200))
    again = Columns.restored(json.loads(json.dumps(known.facts())), known.arrays())
    inputs = features(table(50, seed=4), SCHEMA)
    assert np.array_equal(again.transform(inputs, SCHEMA), known.transform(inputs, SCHEMA))
