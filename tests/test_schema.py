"""A schema survives being written, and refuses to be what it was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.schema import SCHEMA_FILE, Schema
from tests.small import SCHEMA

names = st.lists(st.text(min_size=1), min_size=3, max_size=8, unique=True)


@given(names, st.data())
def test_what_is_written_comes_back(columns: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(columns) - 1))
    schema = Schema(
        numbers=tuple(columns[1 : cut + 1]),
        categories=tuple(columns[cut + 1 :]),
        target=columns[0],
        time=data.draw(st.none() | st.text()),
        group=data.draw(st.none() | st.text()),
    )
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    assert schema.features == schema.numbers + schema.categories


def test_through_a_folder(tmp_path: Path) -> None:
    SCHEMA.write(tmp_path)
    assert Schema.read(tmp_path) == SCHEMA


@pytest.mark.parametrize(
    "change",
    [
        {"numbers": "abc"},
        {"numbers": ["spend", "spend"]},
        {"categories": ["left"]},
        {"categories": [1]},
        {"colour": "red"},
        {"target": None},
    ],
)
def test_a_tampered_schema_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    (tmp_path / SCHEMA_FILE).write_text(json.dumps({**SCHEMA.to_json(), **change}))
    with pytest.raises((ValueError, TypeError)):
        Schema.read(tmp_path)


@pytest.mark.parametrize("key", ["numbers", "categories", "target"])
def test_a_schema_with_a_gap_is_refused(key: str) -> None:
    value = SCHEMA.to_json()
    del value[key]
    with pytest.raises((KeyError, TypeError)):
        Schema.from_json(value)
