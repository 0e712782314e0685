"""Numbers on a page say what they mean."""

from __future__ import annotations

import math

import pytest

from pipelines.reporting import formats


def plain(text: str) -> str:
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 %"),
        (0.00004, "< 0.01 %"),
        (0.2, "20 %"),
        (0.12345, "12.35 %"),
        (0.99999, "> 99.99 %"),
        (1.0, "100 %"),
        (None, formats.NOTHING),
        (math.nan, formats.NOTHING),
    ],
)
def test_a_share_never_rounds_to_nothing_or_to_all(value: float | None, text: str) -> None:
    assert plain(formats.share(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (336776, "336 776"),
        (1048.36, "1048"),
        (0.00012345, "0.0001234"),
        (17.0, "17"),
        (1e30, "1e+30"),
        (math.inf, "inf"),
        (None, formats.NOTHING),
    ],
)
def test_a_number(value: float | None, text: str) -> None:
    assert plain(formats.number(value)) == text


def test_a_count() -> None:
    assert plain(formats.count(1234567)) == "1 234 567"
    assert formats.count(None) == formats.NOTHING
