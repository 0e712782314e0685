"""Scopes: what is one, and what a client gets of what it asks for."""

from __future__ import annotations

import pytest

from pipelines.errors import IdentityError
from pipelines.identity.scopes import granted, parse


def test_scopes_are_kept_each_once_and_in_order() -> None:
    assert parse(["predict:flights", "feedback", "predict:flights"]) == (
        "feedback",
        "predict:flights",
    )


@pytest.mark.parametrize(
    "wrong", ["", "predict", "predict:", "predict:Flights", "predict:a b", "root", "predict:**"]
)
def test_what_is_no_scope_is_refused(wrong: str) -> None:
    with pytest.raises(IdentityError, match="no such scope"):
        parse(["feedback", wrong])
    with pytest.raises(IdentityError, match="nothing is allowed"):
        parse([])


@pytest.mark.parametrize(
    ("allowed", "asked", "got"),
    [
        (("feedback", "predict:flights"), None, ("feedback", "predict:flights")),
        (("feedback", "predict:flights"), "feedback", ("feedback",)),
        (("feedback",), "feedback feedback", ("feedback",)),
        (("predict:*",), "predict:digits", ("predict:digits",)),
        (("predict:*",), "predict:*", ("predict:*",)),
        (("predict:flights",), "predict:*", None),
        (("predict:flights",), "predict:digits", None),
        (("predict:flights",), "predict:flights feedback", None),
        (("predict:*",), "predict:", None),
        (("predict:*",), "predict:Nobody", None),
        (("predict:*",), "feedback", None),
        (("feedback",), "", None),
        (("feedback",), "  ", None),
    ],
)
def test_nobody_gets_more_than_is_allowed(
    allowed: tuple[str, ...], asked: str | None, got: tuple[str, ...] | None
) -> None:
    assert granted(allowed, asked) == got
