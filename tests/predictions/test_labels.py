"""A label is what the task says it is, and nothing that only looks like it."""

from __future__ import annotations

import pytest

from pipelines.errors import CellError
from pipelines.predictions.labels import written
from pipelines.schema import Schema
from tests.predictions.factories import BINARY, IMAGE, MULTICLASS, REGRESSION


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        (BINARY, 1, "1"),
        (BINARY, 0.0, "0"),
        (BINARY, True, "1"),
        (BINARY, "0", "0"),
        (MULTICLASS, "dog", "dog"),
        (IMAGE, 1, "1"),
        (IMAGE, "0", "0"),
        (REGRESSION, 12, "12"),
        (REGRESSION, 0.1, "0.1"),
        (REGRESSION, "-3.5", "-3.5"),
        (None, "anything", "anything"),
        (None, 7.0, "7"),
    ],
)
def test_a_label_is_written_in_one_way(schema: Schema | None, value: object, text: str) -> None:
    assert written(value, schema, 0) == text


@pytest.mark.parametrize(
    ("schema", "value", "wanted"),
    [
        (BINARY, 2, "1 or 0"),
        (BINARY, "yes", "1 or 0"),
        (BINARY, float("nan"), "1 or 0"),
        (MULTICLASS, "bird", "one of cat, dog"),
        (MULTICLASS, 1, "one of cat, dog"),
        (REGRESSION, "soon", "finite number"),
        (REGRESSION, float("inf"), "finite number"),
        (REGRESSION, 10**400, "finite number"),
        (REGRESSION, True, "finite number"),
        (None, None, "text or a finite number"),
        (None, "", "text or a finite number"),
        (None, "x" * 1001, "text or a finite number"),
        (None, "\ud800", "text or a finite number"),
        (BINARY, [1], "of the type list"),
        (BINARY, {"a": 1}, "of the type dict"),
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
def test_what_is_no_label_is_refused_with_its_place(
    schema: Schema | None, value: object, wanted: str
) -> None:
    with pytest.raises(CellError) as caught:
        written(value, schema, 3)
    assert (caught.value.row, caught.value.column) == (3, "label")
    assert wanted in caught.value.problem
    assert len(caught.value.problem) < 200
