"""A line of a server's log is one JSON object."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipelines.serving.logs import JsonLines, configure

MODEL = cast(Any, SimpleNamespace(name="flights", version="v3"))


def test_a_line_says_when_who_and_what() -> None:
    record = logging.LogRecord("pipelines.x", logging.WARNING, "x.py", 1, "of %s", ("me",), None)
    line = json.loads(JsonLines(MODEL).format(record))
    assert line["message"] == "of me"
    assert (line["level"], line["model"], line["version"]) == ("warning", "flights", "v3")
    assert line["time"].endswith("+00:00")


def test_a_failure_brings_its_traceback_in_the_same_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        told = (ValueError, error, error.__traceback__)
        record = logging.LogRecord("pipelines.x", logging.ERROR, "x.py", 1, "failed", (), told)
    text = JsonLines(MODEL).format(record)
    assert "\n" not in text
    assert "ValueError: two" in json.loads(text)["traceback"]


def test_configured_once_or_twice_every_line_comes_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = logging.getLogger("pipelines")
    for name in ("handlers", "propagate", "level"):
        monkeypatch.setattr(ours, name, getattr(ours, name))
    configure(MODEL)
    configure(MODEL)
    logging.getLogger("pipelines.serving.server").info("ready")
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "ready"


def test_nobody_takes_a_line_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = logging.getLogger("uvicorn.access")
    monkeypatch.setattr(requests, "propagate", True)
    monkeypatch.setattr(requests, "handlers", requests.handlers)
    assert requests.hasHandlers()  # pytest's own, as BentoML's in a server
    configure(MODEL)
    assert not requests.hasHandlers()
