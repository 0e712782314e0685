"""Whom to tell is no secret in params.yaml, and never becomes one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import SettingsError
from pipelines.settings import AlertSettings, parse

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "params.md"
MODEL: dict[str, Any] = {
    "ingest": {"dataset": "digits", "source": "package:scikit-learn"},
    "train": {"family": "svm"},
}


def alerts(**values: Any) -> AlertSettings:
    return parse({"models": {"alpha": MODEL}, "alerts": values}).alerts


def test_defaults_tell_of_what_needs_a_person() -> None:
    found = alerts()
    assert (found.urls_from, found.least, found.kinds) == ("EVERGREEN_ALERT_URLS", "warning", "all")


def test_the_variable_may_have_another_name() -> None:
    assert alerts(urls_from="PEOPLE_ON_DUTY_2").urls_from == "PEOPLE_ON_DUTY_2"


@pytest.mark.parametrize(
    "url", ["slack://TokenA/TokenB/TokenC", "json://ann:TokenA@127.0.0.1/TokenB", "mailto://TokenA"]
)
@pytest.mark.parametrize("key", ["urls_from", "least", "repeat_hours", "kinds"])
def test_an_address_in_the_file_is_refused_and_not_repeated(key: str, url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        alerts(**{key: url})
    assert f"alerts.{key}" in str(caught.value)
    assert "Token" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("urls_from", "lower_case"),
        ("urls_from", ""),
        ("least", "loud"),
        ("kinds", ["rolled_back", "rolled_over"]),
        ("news_hours", 0),
        ("repeat_hours", -1),
        ("unwatched_minutes", 0),
        ("timeout_seconds", 61),
    ],
)
def test_a_wrong_value_names_its_key(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"alerts\.{key}"):
        alerts(**{key: value})


def test_an_unknown_key_names_those_of_its_section() -> None:
    with pytest.raises(
        SettingsError, match=r"alerts\.urls: unknown key.*allowed: urls_from, least"
    ):
        alerts(urls=["x"])
    with pytest.raises(SettingsError, match=r"did you mean metrics_port\?"):
        parse({"models": {"alpha": MODEL}, "gateway": {"metric_port": 1}})
    with pytest.raises(SettingsError, match=r"unknown key; allowed: |unknown key\n"):
        parse({"models": {"alpha": MODEL}, "identity": {"tiers": {"gold": {"per_minute": 1}}}})


@pytest.mark.parametrize("key", sorted(AlertSettings.model_fields))
def test_the_reference_explains_every_key(key: str) -> None:
    assert f"| `{key}` |" in REFERENCE.read_text(encoding="utf-8").partition("## alerts")[2]
