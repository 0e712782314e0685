"""POST /feedback: labels come late, twice, or wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.predictions.feedback import labels
from pipelines.serving import places
from pipelines.serving.bodies import Bodies
from pipelines.serving.feedback import FeedbackDoor
from tests.serving import graphs


def opened(folder: Path) -> FeedbackDoor:
    served = graphs.model(folder / "model", max_rows=3)
    return FeedbackDoor.open(served, Bodies(10**6, 5.0))


def post(door: FeedbackDoor, content: Any, method: str = "POST") -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/feedback", "headers": []}
    asyncio.run(door(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeedbackDoor:
    monkeypatch.setenv(places.FEEDBACK, str(tmp_path))
    return opened(tmp_path)


def test_labels_are_kept_and_the_last_one_counts(door: FeedbackDoor, tmp_path: Path) -> None:
    first = {"labels": [{"request_id": "a", "label": 1}, {"request_id": "b", "label": 0, "row": 2}]}
    assert post(door, first) == (200, {"accepted": 2})
    assert post(door, {"labels": [{"request_id": "a", "label": 0}]}) == (200, {"accepted": 1})
    door.close()
    known = {(row["request_id"], row["row"]): row["label"] for row in labels(tmp_path).to_pylist()}
    assert known == {("a", 0): "0", ("b", 2): "0"}


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        ({"labels": [{"request_id": "a", "label": 7}]}, 422, "is no label"),
        ({"labels": [{"request_id": "", "label": 1}]}, 422, "request_id"),
        ({"labels": [{"request_id": "a"}]}, 422, "label"),
        ({"labels": [{"request_id": "a", "label": 1, "row": -1}]}, 422, "row"),
        ({"labels": [{"request_id": "a", "label": 1, "other": 1}]}, 422, "other"),
        ({"label": []}, 422, "label"),
        ({"labels": [{"request_id": "a", "label": 1}] * 4}, 413, "at most 3"),
        (b"{", 400, "not JSON"),
    ],
    ids=["value", "id", "none", "row", "extra", "shape", "many", "torn"],
)
def test_what_cannot_be_used_is_refused_whole(
    door: FeedbackDoor, tmp_path: Path, content: Any, status: int, said: str
) -> None:
    seen, problem = post(door, content)
    assert (seen, said in problem["detail"]) == (status, True), problem
    door.close()
    assert labels(tmp_path).num_rows == 0


def test_only_post_is_taken(door: FeedbackDoor) -> None:
    assert post(door, {}, "PUT")[0] == 405


def test_a_server_without_a_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(places.FEEDBACK, raising=False)
    status, problem = post(opened(tmp_path), {"labels": [{"request_id": "a", "label": 1}]})
    assert status == 503
    assert places.FEEDBACK in problem["next_step"]
