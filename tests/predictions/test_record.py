"""A record knows its rows."""

from __future__ import annotations

import pytest

from pipelines.schema import Schema
from tests.predictions.factories import BINARY, IMAGE, REGRESSION, answered


@pytest.mark.parametrize("schema", [BINARY, IMAGE, REGRESSION], ids=lambda schema: schema.target)
def test_rows_are_those_of_its_tensors(schema: Schema) -> None:
    assert answered(rows=5, schema=schema).rows == 5


def test_a_request_without_tensors_has_no_rows() -> None:
    assert answered(tensors={}).rows == 0
