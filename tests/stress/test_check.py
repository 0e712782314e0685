"""An answer is right when it is this version's, and what training said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.stress.check import fault
from pipelines.stress.doors import DOORS


def seen(expected: list[float], **answer: Any) -> str:
    content = json.dumps({"model": "flights", "version": "v3", **answer}).encode()
    return fault(content, DOORS["predict"], "v3", expected)


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        ([0.5], {"probabilities": [0.50005]}),
        ([0.2, 0.8], {"probabilities": [[0.2, 0.8]]}),
        ([12345.0], {"values": [12345.9]}),
        ([0.0], {"values": [5e-5]}),
    ],
)
def test_what_training_answered_is_right(expected: list[float], answer: dict[str, Any]) -> None:
    assert seen(expected, **answer) == ""


@pytest.mark.parametrize(
    ("expected", "answer", "words"),
    [
        ([0.5], {"probabilities": [0.5003]}, "not what training answered"),
        ([0.5], {"probabilities": [float("nan")]}, "not what training answered"),
        ([0.2, 0.8], {"probabilities": [[0.8, 0.2]]}, "not what training answered"),
        ([0.2, 0.8], {"probabilities": [0.2]}, "1 scores instead of 2"),
        ([12345.0], {"values": [12350.0]}, "not what training answered"),
        ([0.5], {"probabilities": [0.5], "version": "v2"}, "answered by v2, not by v3"),
        ([0.5], {"labels": [1]}, "not an answer: not a prediction"),
    ],
)
def test_anything_else_is_named(expected: list[float], answer: dict[str, Any], words: str) -> None:
    assert words in seen(expected, **answer)
