"""What a network is given of an image: the same numbers in training and in the graph."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from pipelines.frames import features, tensors
from pipelines.models.neural.pixels import Pixels
from pipelines.schema import Schema
from tests.models.neural.graphs import run

SCHEMA = Schema(("p0", "p1"), (), "label", task="multiclass", classes=("a", "b"), image=(1, 2, 1))


def frame(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"p0": list(values), "p1": 0.0})


def test_pixels_are_shares_of_the_largest_one() -> None:
    known = Pixels.fitted(features(frame(0, 51, 255, np.nan), SCHEMA), SCHEMA)
    assert (known.width, known.largest) == (2, 255.0)
    made = known.transform(features(frame(0, 51, 255, np.nan, 300, -1), SCHEMA), SCHEMA)
    assert made.dtype == np.float32
    assert made[:, 0].tolist() == [0, np.float32(0.2), 1, 0, 1, 0]


def test_the_nodes_do_exactly_the_same() -> None:
    values = frame(*range(256), np.nan, 1e30, -1e30)
    known = Pixels.fitted(features(values.head(256), SCHEMA), SCHEMA)
    made = known.transform(features(values, SCHEMA), SCHEMA)
    assert np.array_equal(run(known.part(), SCHEMA, tensors(values, SCHEMA)), made)


def test_black_images_are_no_reason_to_divide_by_zero() -> None:
    for black in (frame(0, 0), frame(np.nan)):
        known = Pixels.fitted(features(black, SCHEMA), SCHEMA)
        assert (known.transform(features(black, SCHEMA), SCHEMA) == 0).all()


def test_it_survives_being_written_down() -> None:
    known = Pixels(2, 16.0)
    again = Pixels.restored(json.loads(json.dumps(known.facts())), known.arrays())
    assert (again.count, again.largest) == (2, 16.0)
