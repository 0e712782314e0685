"""Addresses come from the environment, and none of them is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.alerting.addresses import read
from pipelines.errors import AlertError

VARIABLE = "EVERGREEN_ALERT_URLS"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops"


def test_without_the_variable_nobody_is_told() -> None:
    assert read(VARIABLE, {}) == []
    assert read(VARIABLE, {VARIABLE: " \n "}) == []


def test_urls_stand_between_white_space() -> None:
    found = read(VARIABLE, {VARIABLE: f"{SLACK}\n json://127.0.0.1:8080/x  "})
    assert [each.name for each in found] == ["address 1 (slack)", "address 2 (json)"]
    assert [each.url for each in found] == [SLACK, "json://127.0.0.1:8080/x"]


def test_a_file_may_hold_them_with_comments(tmp_path: Path) -> None:
    path = tmp_path / "urls"
    path.write_text(f"# the people on duty\n\n{SLACK}\n  # and nobody else\n", encoding="utf-8")
    [found] = read(VARIABLE, {f"{VARIABLE}_FILE": str(path)})
    assert found.url == SLACK


def test_both_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(AlertError, match="are both set"):
        read(VARIABLE, {VARIABLE: SLACK, f"{VARIABLE}_FILE": str(tmp_path / "urls")})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "urls"
    with pytest.raises(AlertError, match="No such file") as caught:
        read(VARIABLE, {f"{VARIABLE}_FILE": str(path)})
    assert caught.value.where == str(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AlertError, match="it is no text"):
        read(VARIABLE, {f"{VARIABLE}_FILE": str(path)})


def test_what_is_no_url_keeps_nobody_else_from_being_told() -> None:
    found = read(VARIABLE, {VARIABLE: f"hunter2 {SLACK}"})
    assert [each.name for each in found] == ["address 1 (?)", "address 2 (slack)"]


def test_an_address_does_not_show_what_it_is() -> None:
    [found] = read(VARIABLE, {VARIABLE: SLACK})
    assert "T1JJ" not in repr(found)
    assert "T1JJ" not in str(found)
