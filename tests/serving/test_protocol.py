"""Bodies in, problems out; the live service is tested in test_service.py."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pipelines.errors import CellError, RequestError
from pipelines.inference.session import Prediction
from pipelines.serving.protocol import MAX_ROWS, read_rows, write_answer, write_problem
from tests.small import SCHEMA


def test_rows_come_out_as_they_were_sent() -> None:
    rows = [{"a": 1, "b": None, "c": "12", "d": 0.5, "e": True}]

    assert read_rows(json.dumps({"rows": rows}).encode()) == rows


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"rows",
        b"\xff\xfe",
        b'{"rows": [{"a": NaN}]}',
        b'{"rows": [{"a": -Infinity}]}',
        b'{"rows": [{"a": ' + b"9" * 5000 + b"}]}",
        b"[" * 200_000,
    ],
)
def test_what_is_not_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(RequestError, match="not JSON") as caught:
        read_rows(body)

    assert caught.value.status == 400
    assert len(caught.value.problem) < 200


@pytest.mark.parametrize(
    "body", [b"[]", b"1", b"null", b"{}", b'{"rows": {}}', b'{"rows": [], "model": "x"}']
)
def test_json_of_another_shape_is_unacceptable(body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        read_rows(body)

    assert caught.value.status == 422


def test_a_row_that_is_no_object_is_named() -> None:
    with pytest.raises(CellError, match=r"row 1 \(counted from 0\): not an object"):
        read_rows(b'{"rows": [{}, []]}')


def test_too_many_rows_are_too_large() -> None:
    with pytest.raises(RequestError, match=f"{MAX_ROWS + 1} rows; at most {MAX_ROWS}") as caught:
        read_rows(json.dumps({"rows": [{}] * (MAX_ROWS + 1)}).encode())

    assert caught.value.status == 413


def test_a_problem_names_row_and_column() -> None:
    error = CellError("'x' is not a number", row=3, column="hour", next_step="send a number")
    status, content = write_problem(error)

    assert status == 422
    assert json.loads(content) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "row 3 (counted from 0), column 'hour': 'x' is not a number",
        "row": 3,
        "column": "hour",
        "next_step": "send a number",
    }


def test_an_answer_holds_plain_numbers_and_never_nan() -> None:
    prediction = Prediction(np.array([0.25, 0.75]), np.array([0, 1]))

    assert json.loads(write_answer(SCHEMA, "flights", "v3", prediction)) == {
        "model": "flights",
        "version": "v3",
        "probabilities": [0.25, 0.75],
        "labels": [0, 1],
    }
    with pytest.raises(ValueError, match="Out of range float"):
        write_answer(SCHEMA, "flights", "v3", Prediction(np.array([np.nan]), np.array([0])))


def test_classes_are_answered_by_name_and_values_as_they_are() -> None:
    classes = replace(SCHEMA, task="multiclass", classes=("cat", "dog"))
    prediction = Prediction(np.array([[0.25, 0.75]]), np.array([1]))
    assert json.loads(write_answer(classes, "pets", "v1", prediction)) == {
        "model": "pets",
        "version": "v1",
        "classes": ["cat", "dog"],
        "probabilities": [[0.25, 0.75]],
        "labels": ["dog"],
    }
    values = Prediction(np.array([-4.5]), np.array([0]))
    answer = json.loads(write_answer(replace(SCHEMA, task="regression"), "delay", "v1", values))
    assert answer == {"model": "delay", "version": "v1", "values": [-4.5]}
