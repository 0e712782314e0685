"""The policy in the bento is the section of params.yaml."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from pipelines.predictions.policy import LogPolicy
from pipelines.settings import LogSettings


def test_it_has_the_keys_and_the_defaults_of_the_settings() -> None:
    settings = LogSettings()
    assert {field.name for field in fields(LogPolicy)} == set(LogSettings.model_fields)
    assert LogPolicy(**settings.model_dump()) == LogPolicy()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"mode": "slow"}, "fast, audit, off"),
        ({"features": "some"}, "'some'"),
        ({"queue_rows": 0}, "queue_rows"),
        ({"segment_rows": True}, "segment_rows"),
        ({"segment_minutes": -1.0}, "segment_minutes"),
        ({"retention_days": float("nan")}, "retention_days"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        LogPolicy(**changed)
