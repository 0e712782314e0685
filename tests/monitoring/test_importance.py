from __future__ import annotations

import pytest

from pipelines.monitoring.importance import important_features

COLUMNS = ["feature a", "feature b", "feature c", "output probability"]


@pytest.mark.parametrize(
    ("importance", "share", "chosen"),
    [
        ({"a": 0.6, "b": 0.3, "c": 0.1}, 0.9, {"feature a", "feature b"}),
        ({"a": 0.6, "b": 0.3, "c": 0.1}, 1.0, {"feature a", "feature b", "feature c"}),
        ({"a": 0.6, "b": -0.3}, 0.5, {"feature a"}),
        ({"a": 0.0}, 0.9, {"feature a", "feature b", "feature c"}),
        ({}, 0.9, {"feature a", "feature b", "feature c"}),
    ],
    ids=["most", "all", "negative", "nothing lost", "unknown"],
)
def test_what_makes_up_the_share_may_alarm_and_answers_always(
    importance: dict[str, float], share: float, chosen: set[str]
) -> None:
    assert important_features(COLUMNS, importance, share) == chosen | {"output probability"}
