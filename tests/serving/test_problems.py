"""Errors as clients get to see them."""

from __future__ import annotations

import json

import pytest

from pipelines.errors import CellError, RequestError
from pipelines.serving.problems import failed, refused, write_problem


def test_a_problem_names_row_and_column() -> None:
    error = CellError("'x' is not a number", row=3, column="hour", next_step="send a number")
    status, content = write_problem(error)

    detail = "row 3 (counted from 0), column 'hour': 'x' is not a number"
    assert status == 422
    assert json.loads(content) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": detail,
        "row": 3,
        "column": "hour",
        "next_step": "send a number",
        "error": detail,
    }


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (refused("wrong", "body", "mend it"), 422, "Unprocessable Entity"),
        (refused("wrong", "body", "mend it", 404), 404, "Not Found"),
        (RequestError("wrong", where="body", next_step="mend it", status=413), 413, None),
        (failed("abc"), 500, "Internal Server Error"),
    ],
)
def test_a_refusal_has_its_status(error: RequestError, status: int, title: str | None) -> None:
    seen, content = write_problem(error)
    problem = json.loads(content)

    assert seen == problem["status"] == status
    assert title is None or problem["title"] == title
    assert (problem["row"], problem["column"]) == (None, None)
    assert problem["detail"] == problem["error"] == f"{error.where}: {error.problem}"


def test_a_fault_of_ours_gives_nothing_away_but_the_request_id() -> None:
    assert "its log has request abc" in failed("abc").problem


def test_half_a_surrogate_pair_in_a_message_does_not_break_it() -> None:
    status, content = write_problem(
        CellError("unknown", row=0, column="\ud800", next_step="send \udfff")
    )

    assert status == 422
    json.loads(content.decode())
