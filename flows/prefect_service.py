"""`python -m flows.prefect_service ARGUMENTS`: Prefect's own command, with two things mended.

Prefect 3.8 writes the runs of a schedule with their state as one of the columns. SQLAlchemy 2.0
left out what is no column; 2.1 refuses it, and no schedule ever starts anything. The server says
so in its log only, and answers as if nothing were wrong.

When SQLite is busy, which takes it some milliseconds, the server answers 503 and does not say when
to ask again. Its clients then wait two seconds, and the first of them is the server itself: it
stands in its own way whenever an automation starts a run.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

# The first wait, and for how long an answer of 503 makes the next one's four times as long: a
# client asks five times more, and then its flow fails.
SOON_SECONDS, REMEMBERED_SECONDS, LONGEST_SECONDS = 0.1, 5.0, 8.0


def mend_schedules() -> None:
    """Have SQLAlchemy leave out the state of a scheduled run, which Prefect writes by itself."""
    from prefect.server.database.orm_models import FlowRun

    state: Any = FlowRun.__mapper__.all_orm_descriptors["state"]
    state.inplace.bulk_dml(_left_out)


def mend_patience() -> None:
    """Have the server say when to ask again."""
    from prefect.server.api import server

    answer = server.custom_internal_exception_handler
    refused: list[float] = []

    async def say_when(request: Request, exc: Exception) -> JSONResponse:
        response = await answer(request, exc)
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            now = time.monotonic()
            refused[:] = [each for each in refused if now - each < REMEMBERED_SECONDS]
            response.headers["Retry-After"] = f"{again_after(len(refused)):g}"
            refused.append(now)
        return response

    server.custom_internal_exception_handler = say_when


def again_after(refused: int) -> float:
    """Seconds to wait for a server that was busy so often in the last moments."""
    return min(SOON_SECONDS * 4**refused, LONGEST_SECONDS)


def main() -> None:
    """Run Prefect's command line."""
    from prefect.cli import app

    mend_schedules()
    mend_patience()
    app()


def _left_out(_cls: type, _mapping: MutableMapping[str, Any], _value: object) -> None:
    """Nothing: what no column takes is not written."""


if __name__ == "__main__":
    main()
