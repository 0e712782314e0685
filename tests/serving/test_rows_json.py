"""Bodies of /predict in, answers out; the live service is tested in test_service.py."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pipelines.errors import CellError, RequestError
from pipelines.schema import Schema
from pipelines.serving.admission import MOST_CHARACTERS
from pipelines.serving.rows_json import (
    parse,
    parse_as,
    read_rows,
    schema_of_rows,
    write_answer,
)
from pipelines.serving.served import Outputs
from tests.serving import graphs

MOST = 5
NOT_JSON = [
    b"",
    b"{",
    b"rows",
    b"\xff\xfe",
    b'{"rows": [{"a": NaN}]}',
    b'{"rows": [{"a": -Infinity}]}',
    b'{"rows": [{"a": ' + b"9" * 5000 + b"}]}",
    b"[" * 200_000,
    '{"rows": []}'.encode("utf-16"),
    '{"rows": []}'.encode("utf-32-le"),
    b'\xef\xbb\xbf{"rows": []}',
    b'{"rows": []} {}',
    b"\x80\x04]q\x00.",
]


def test_rows_come_out_as_they_were_sent() -> None:
    rows = [{"a": 1, "b": None, "c": "12", "d": 0.5, "e": True}]

    assert read_rows(json.dumps({"rows": rows}).encode(), MOST) == rows


@pytest.mark.parametrize("body", NOT_JSON, ids=range(len(NOT_JSON)))
def test_what_is_not_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(RequestError, match="not JSON") as caught:
        read_rows(body, MOST)

    assert caught.value.status == 400
    assert len(caught.value.problem) < 200


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"1e999", math.inf),
        (b"-1e999", -math.inf),
        (b'"\\ud800"', "\ud800"),
        (b"12345678901234567890123", 12345678901234567890123),
    ],
)
def test_values_of_json_that_no_column_takes_are_read(body: bytes, value: object) -> None:
    """So that whoever looks at the values can name their row and column."""
    assert parse(body) == value


@pytest.mark.parametrize(
    "body",
    [b"[]", b"1", b"null", b"{}", b'{"rows": {}}', b'{"rows": 1}', b'{"rows": [], "model": "x"}'],
)
def test_json_of_another_shape_is_unacceptable(body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        read_rows(body, MOST)

    assert caught.value.status == 422


def test_of_a_member_that_is_there_twice_the_last_counts() -> None:
    assert read_rows(b'{"rows": 1, "rows": [{"a": 1, "a": 2}]}', MOST) == [{"a": 2}]


def test_a_row_that_is_no_object_is_named() -> None:
    with pytest.raises(CellError, match=r"row 1 \(counted from 0\): not an object"):
        read_rows(b'{"rows": [{}, []]}', MOST)


def test_too_many_rows_are_too_large() -> None:
    assert len(read_rows(json.dumps({"rows": [{}] * MOST}).encode(), MOST)) == MOST
    with pytest.raises(RequestError, match=f"{MOST + 1} rows; at most {MOST}") as caught:
        read_rows(json.dumps({"rows": [{}] * (MOST + 1)}).encode(), MOST)

    assert caught.value.status == 413


class Pair(msgspec.Struct):
    a: int
    b: list[int] = []


DECODER = msgspec.json.Decoder(Pair)


def test_json_of_one_shape_is_read_as_it() -> None:
    assert parse_as(b'{"a": 1, "c": {}}', DECODER) == Pair(1)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not JSON"),
        (b'{"a": NaN}', 400, "not JSON"),
        (b"\xff{}", 400, "not JSON"),
        (b'{"a": 1, "c": ' + b"[" * 200_000, 400, "nested too deeply"),
        (b"{}", 422, "missing required field `a`"),
        (b"[]", 422, "Expected `object`"),
        (b'{"a": 1.5}', 422, r"\$\.a"),
        (b'{"a": 1e999}', 422, "out of range"),
        (b'{"a": 1, "b": [1, null]}', 422, r"\$\.b\[1\]"),
    ],
    ids=range(9),
)
def test_what_is_not_of_the_shape_is_refused(body: bytes, status: int, words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        parse_as(body, DECODER)

    assert caught.value.status == status
    assert len(caught.value.problem) < 200


def answered(folder: Path, schema: Schema, outputs: Outputs) -> Any:
    return json.loads(write_answer(graphs.model(folder, schema), "abc", outputs))


def test_two_classes_are_answered_by_probability_and_label(tmp_path: Path) -> None:
    outputs = {"probability": np.array([0.25, 0.75]), "label": np.array([0, 1])}

    assert answered(tmp_path / "model", graphs.TABLE, outputs) == {
        "model": "flights",
        "version": "v3",
        "request_id": "abc",
        "probabilities": [0.25, 0.75],
        "labels": [0, 1],
    }


def test_classes_are_answered_by_name(tmp_path: Path) -> None:
    names = np.array(["mid"], dtype=np.object_)
    outputs = {"probabilities": np.array([[0.25, 0.5, 0.25]]), "label": names}

    assert answered(tmp_path / "model", graphs.WORDS, outputs) == {
        "model": "flights",
        "version": "v3",
        "request_id": "abc",
        "classes": ["low", "mid", "hüge"],
        "probabilities": [[0.25, 0.5, 0.25]],
        "labels": ["mid"],
    }


def test_values_are_answered_as_they_are(tmp_path: Path) -> None:
    answer = answered(tmp_path / "model", graphs.MINUTES, {"value": np.array([-4.5])})

    assert answer["values"] == [-4.5]
    assert "labels" not in answer


def test_an_answer_holds_null_and_never_nan(tmp_path: Path) -> None:
    model = graphs.model(tmp_path / "model", graphs.MINUTES)
    content = write_answer(model, "abc", {"value": np.array([np.nan, 1.0])})

    assert b"NaN" not in content
    assert json.loads(content)["values"] == [None, 1.0]


def test_the_schema_of_a_row_asks_for_every_column_and_no_other() -> None:
    table = replace(graphs.TABLE, numbers=("a",))
    schema = schema_of_rows(table)

    assert schema["properties"] == {
        "a": {"type": ["number", "boolean", "null"]},
        "city": {"type": ["string", "null"], "maxLength": MOST_CHARACTERS},
    }
    required = schema_of_rows(table, ("city",))["properties"]
    assert required == {**schema["properties"], "city": {"type": ["string"], "maxLength": 1000}}
    assert schema["required"] == ["a", "city"]
    assert schema["additionalProperties"] is False
