"""Which of two values is the event, whatever their order."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from pipelines.datasets.labels import binary
from pipelines.errors import DataError


@pytest.mark.parametrize(
    ("absence", "event"),
    [
        (False, True),
        (0, 1),
        (1, 2),
        (-1.0, 1.0),
        ("no", "yes"),
        ("zzz", "Yes"),
        ("Z", "TRUE"),
        ("0", "1"),
        ("kept", "lost"),
        ("F", "T"),
    ],
)
def test_the_event_does_not_depend_on_order(absence: Any, event: Any) -> None:
    for values in ([absence, event, event], [event, absence, absence]):
        label = binary(pd.Series(values), where="x")
        assert label.tolist() == [float(value == event) for value in values]


@pytest.mark.parametrize("values", [[0, 1, None], ["no", "yes", ""], ["no", "yes", None]])
def test_what_is_empty_is_unknown(values: list[Any]) -> None:
    label = binary(pd.Series(values), where="x")
    assert label.tolist()[:2] == [0.0, 1.0]
    assert label.isna().tolist() == [False, False, True]


def test_mixed_types_are_refused() -> None:
    with pytest.raises(DataError, match="mixes text and other values"):
        binary(pd.Series(["yes", 1, "yes"], dtype=object), where="x")
