"""The window of the settings, as days."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.settings import parse
from pipelines.validation.parameters import window


@pytest.mark.parametrize(
    ("ingest", "days", "expected"),
    [
        ({}, 3, {}),
        ({"since": "2024-01"}, 3, {"window_start": "2024-01-01"}),
        ({"until": "2024-02"}, 3, {"window_end": "2024-02-29", "freshest": "2024-02-26"}),
        ({"until": "2023-12"}, 31, {"window_end": "2023-12-31", "freshest": "2023-11-30"}),
    ],
)
def test_the_window(ingest: dict[str, str], days: int, expected: dict[str, Any]) -> None:
    content = {
        "ingest": {"dataset": "table", "source": "x", **ingest},
        "validate": {"freshness_days": days},
        "train": {"family": "logistic"},
    }
    assert window(parse({"models": {"m": content}}).model("m")) == expected
