"""The doors: what goes in by the row, and what an answer may look like."""

from __future__ import annotations

import json

import pytest

from pipelines.serving.rows_json import read_rows
from pipelines.stress.doors import DOORS, Answer

PREDICT = DOORS["predict"]


def test_a_body_is_what_the_server_reads() -> None:
    row = {"carrier": "Zürich", "wind_speed": None, "distance": 3.5}

    assert read_rows(PREDICT.body(row), 1) == [row]


def test_a_row_that_is_no_json_is_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        PREDICT.body({"distance": float("nan")})


@pytest.mark.parametrize(
    ("answer", "scores"),
    [
        ({"probabilities": [0.25], "labels": [0]}, [0.25]),
        ({"probabilities": [[0.25, 0.75]], "labels": ["b"]}, [0.25, 0.75]),
        ({"values": [12]}, [12.0]),
    ],
)
def test_every_task_is_read(answer: dict[str, object], scores: list[float]) -> None:
    content = json.dumps({"model": "flights", "version": "v3", **answer}).encode()

    assert PREDICT.read(content) == Answer("flights", "v3", scores)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"3",
        b"{}",
        b'{"values": [1]}',
        b'{"model": "m", "version": "v1", "values": []}',
        b'{"model": "m", "version": "v1", "values": [1, 2]}',
        b'{"model": "m", "version": "v1", "values": [null]}',
        b'{"model": "m", "version": "v1", "values": ["x"]}',
        b'{"model": "m", "version": "v1", "values": 1}',
    ],
)
def test_what_is_no_answer_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        PREDICT.read(content)
