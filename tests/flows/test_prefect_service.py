"""What is mended of Prefect's server: here, that it says when to ask again."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
import sqlalchemy as sa
from prefect.server.api import server
from starlette.requests import Request

from flows import prefect_service


def busy() -> Exception:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorname = "SQLITE_BUSY"
    return sa.exc.OperationalError("INSERT", {}, error)


def waits(count: int, error: Exception) -> list[str | None]:
    request = Request({"type": "http"})

    async def ask() -> list[str | None]:
        answers = [
            await server.custom_internal_exception_handler(request, error) for _ in range(count)
        ]
        return [answer.headers.get("Retry-After") for answer in answers]

    return asyncio.run(ask())


@pytest.fixture(autouse=True)
def mended(monkeypatch: pytest.MonkeyPatch) -> None:
    known = server.custom_internal_exception_handler
    monkeypatch.setattr(server, "custom_internal_exception_handler", known)
    prefect_service.mend_patience()


def test_who_finds_it_busy_asks_again_soon_and_then_less_and_less_often() -> None:
    assert waits(6, busy()) == ["0.1", "0.4", "1.6", "6.4", "8", "8"]


def test_what_was_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_service, "REMEMBERED_SECONDS", 0.0)
    assert waits(3, busy()) == ["0.1"] * 3


def test_what_will_not_get_better_is_not_asked_again() -> None:
    assert waits(1, ValueError("no")) == [None]
