"""Answers of an API, and of what may stand before it, in words."""

from __future__ import annotations

import pickle

import httpx
import pytest

from pipelines.kubernetes.refusals import ConflictError, no_answer, refusal

STATUS = {"kind": "Status", "reason": "Invalid", "message": "is invalid"}


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (httpx.Response(502, text="<html>\n  Bad   gateway</html>"), "502: <html> Bad gateway"),
        (httpx.Response(502), "502: no reason is given"),
        (httpx.Response(500, json=["odd"]), '500: ["odd"]'),
        (httpx.Response(422, json=STATUS), "422 Invalid: is invalid"),
        (
            httpx.Response(
                422,
                json={**STATUS, "details": {"causes": [{"field": "spec.a", "message": "bad"}]}},
            ),
            "422 Invalid: spec.a: bad",
        ),
        (httpx.Response(422, json={**STATUS, "details": None}), "422 Invalid: is invalid"),
    ],
)
def test_the_problem_is_what_the_api_said(response: httpx.Response, problem: str) -> None:
    found = refusal(response, "apply Service evergreen/x")
    assert found.problem.startswith(problem)
    assert found.where == "apply Service evergreen/x"
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


def test_a_missing_object_is_not_a_missing_kind() -> None:
    status = {"kind": "Status", "reason": "NotFound", "message": "namespaces not found"}
    assert "namespace" in refusal(httpx.Response(404, json=status), "x").next_step
    plain = httpx.Response(404, text="404 page not found")
    assert "install the Gateway API" in refusal(plain, "x").next_step


def test_a_conflict_is_told_apart() -> None:
    assert isinstance(refusal(httpx.Response(409, json=STATUS), "x"), ConflictError)


def test_what_became_of_a_request_without_an_answer_is_not_known() -> None:
    assert "in time" in no_answer(httpx.ReadTimeout("x"), "y").problem
    assert "(reset by peer)" in no_answer(httpx.ReadError("reset by peer"), "y").problem
