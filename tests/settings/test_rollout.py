"""The section `rollout`: what could never work is refused before it begins."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipelines import settings
from pipelines.errors import SettingsError
from pipelines.settings import RolloutSettings
from tests.small import MODEL, content


def test_it_need_not_be_given() -> None:
    chosen = settings.parse(content()).model(MODEL).rollout
    assert chosen == RolloutSettings()
    assert chosen.steps == (5, 25, 50, 100)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": [5, 5, 100]}, "do not rise"),
        ({"steps": [25, 5, 100]}, "do not rise"),
        ({"steps": [0, 100]}, "do not rise"),
        ({"steps": [5, 25]}, "do not rise"),
        ({"steps": [5, 100, 120]}, "do not rise"),
        ({"steps": []}, "at least 1"),
        ({"metrics": ["errors", "errors"]}, "names a metric twice"),
        ({"metrics": []}, "at least 1"),
        ({"metrics": ["cats"]}, "'errors', 'timeouts', 'invalid' or 'latency'"),
        ({"approval": [30]}, r"approval names [30], which are none of the steps"),
        ({"mirror": False, "steps": [100]}, "without evidence"),
        ({"mirror": False, "approval": [5]}, "after the mirror only"),
        ({"minimum_hours": 24, "deadline_hours": 24}, "no step could ever pass"),
        ({"alpha_rollback": 0}, "greater than 0"),
        ({"promote_ratio": 1}, "greater than 1"),
        ({"harm_ratio": 0.5}, "greater than or equal to 1"),
        ({"bad_rate": {"errors": 1}}, "less than 1"),
        ({"bad_rate": {"error": 0.1}}, "did you mean errors?"),
        ({"step": [5, 100]}, "did you mean steps?"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value),
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.parse(content(rollout=change))
    assert said in str(caught.value)
    assert f"models.{MODEL}.rollout" in str(caught.value)


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RolloutSettings().steps = (100,)  # type: ignore[misc]
