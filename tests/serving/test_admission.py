"""Which rows a policy keeps out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import CellError, ModelError
from pipelines.inference.encode import encode_rows
from pipelines.serving.admission import MOST_CHARACTERS, of
from pipelines.serving.policy import ServingPolicy
from tests.serving.graphs import GREY, ROW, TABLE

KNOWN = {"city": ["Oslo", "Bergen"]}


def admit(policy: ServingPolicy, *changes: dict[str, Any]) -> None:
    tensors = encode_rows(TABLE, [{**ROW, **change} for change in changes])
    of(TABLE, KNOWN, policy, "serving.json").admit(tensors)


def test_everything_that_can_be_encoded_is_let_in_unless_a_policy_says_so() -> None:
    admit(ServingPolicy(), {}, {"a": None, "city": None}, {"city": "never seen"})


@pytest.mark.parametrize("column", ["b", "city"])
def test_a_required_value_that_is_missing_is_named_by_row_and_column(column: str) -> None:
    policy = ServingPolicy(required=("b", "city"))
    admit(policy, {}, {"a": None}, {"city": "never seen"})

    with pytest.raises(CellError, match="the value is missing") as caught:
        admit(policy, {}, {}, {column: None}, {column: None})
    assert (caught.value.row, caught.value.column) == (2, column)
    assert "is not asked without" in caught.value.next_step


def test_an_unseen_category_is_refused_where_the_policy_says_so() -> None:
    policy = ServingPolicy(unseen_categories="refuse")
    admit(policy, {}, {"city": "Bergen"}, {"city": None})

    with pytest.raises(CellError, match="'Rome' was never seen in training") as caught:
        admit(policy, {}, {"city": "Rome"}, {"city": "Paris"})
    assert (caught.value.row, caught.value.column) == (1, "city")


def test_a_long_unseen_category_is_not_repeated_whole() -> None:
    with pytest.raises(CellError) as caught:
        admit(ServingPolicy(unseen_categories="refuse"), {"city": "x" * MOST_CHARACTERS})

    assert len(str(caught.value)) < 300


def test_a_category_of_thousands_of_characters_is_refused_in_any_case() -> None:
    admit(ServingPolicy(), {}, {"city": "x" * MOST_CHARACTERS})
    with pytest.raises(CellError, match=f"a category of {MOST_CHARACTERS + 1} char") as caught:
        admit(ServingPolicy(), {}, {"city": "x" * (MOST_CHARACTERS + 1)}, {})
    assert (caught.value.row, caught.value.column) == (1, "city")


def test_every_pixel_of_an_image_is_required() -> None:
    row = dict.fromkeys(GREY.numbers, 0.5)
    let_in = of(GREY, {}, ServingPolicy(), "serving.json")
    let_in.admit(encode_rows(GREY, [row]))
    pixel = GREY.numbers[5]
    with pytest.raises(CellError, match="the value is missing") as caught:
        let_in.admit(encode_rows(GREY, [row, {**row, pixel: None}]))
    assert (caught.value.row, caught.value.column) == (1, pixel)


def test_a_policy_of_columns_that_the_model_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="columns that the model does not: speed, zeal") as caught:
        of(TABLE, KNOWN, ServingPolicy(required=("zeal", "a", "speed")), "serving.json")

    assert caught.value.where == "serving.json"
    assert "a, b, city" in caught.value.next_step
