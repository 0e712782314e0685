"""Golden rows: as many as asked for, hard ones among them, with the answers of training code."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models import golden, parity
from pipelines.schema import Task
from pipelines.signature import golden_answers
from tests.small import SCHEMA, table, tasked


def test_golden_rows_are_as_many_as_asked_for_and_hard_ones_among_them() -> None:
    frame = table(2000)
    rows = golden.rows_of(frame, SCHEMA, 1000, seed=5)
    assert len(rows) == 1000
    assert list(rows.columns) == list(SCHEMA.features)
    assert (rows[SCHEMA.categories[0]] == parity.UNSEEN).any()
    assert rows[list(SCHEMA.numbers)].isna().all(axis=1).any()


def test_a_small_table_gives_fewer_golden_rows_and_none_twice_over() -> None:
    frame = table(50)
    rows = golden.rows_of(frame, SCHEMA, 1000, seed=5)
    assert len(rows) < 1000
    ordinary = rows.tail(50)
    assert len(ordinary.drop_duplicates()) == len(frame[list(SCHEMA.features)].drop_duplicates())


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_answers_come_back_in_their_shape(task: Task) -> None:
    frame, schema = tasked(table(40), task)
    scores = np.random.default_rng(0).random((40, 3) if task == "multiclass" else 40)
    rows = golden.with_answers(frame[list(schema.features)], scores, schema)
    assert list(rows.columns) == [*schema.features, *golden_answers(schema)]
    assert np.array_equal(golden.answers_of(rows, schema), scores)
