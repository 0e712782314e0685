"""Somebody who does not answer is given up on; whatever is raised is raised here."""

from __future__ import annotations

import threading
import time

import pytest

from pipelines.datasets.sources.deadline import within
from pipelines.errors import SourceError


def test_an_answer_in_time() -> None:
    assert within(5, lambda: 7, where="x") == 7


def test_no_answer_in_time() -> None:
    never = threading.Event()
    begun = time.monotonic()
    with pytest.raises(SourceError, match=r"no answer within 0.1 seconds"):
        within(0.1, never.wait, where="x")
    assert time.monotonic() - begun < 30
    never.set()


def test_an_error_comes_through() -> None:
    def fail() -> None:
        raise PermissionError("closed")

    with pytest.raises(PermissionError, match="closed"):
        within(5, fail, where="x")
