"""From lines as Envoy writes them to requests that a rollout may be judged on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import GatewayError
from pipelines.observing.gateway_log import GatewayLog
from tests.observing.traffic import CHALLENGER, CHAMPION

T0 = 1_800_000_000.0


def line(at: float = T0 + 1, **changes: Any) -> str:
    route = {
        "model": "flights",
        "kind": "predict",
        "generation": 7,
        "weights": {CHAMPION: 75, CHALLENGER: 25},
        "try_ms": 7000,
        **changes.pop("route", {}),
    }
    known = {
        "time": f"{at:.6f}",
        "status": 200,
        "attempts": 1,
        "duration_us": 4200,
        "latency_us": changes.get("duration_us", 4200),
        "request_id": "r1",
        "route": route,
        "arm": CHALLENGER,
        "answered": CHALLENGER,
        "flags": "-",
        "subject": "ann",
        "session": None,
    }
    return json.dumps({**known, **changes}, separators=(",", ":")) + "\n"


def read(folder: Path, *lines: str, since: float = T0, until: float = T0 + 10):
    path = folder / "access.log"
    path.write_text("".join(lines), encoding="utf-8")
    # Envoy writes now, and these lines are of another day.
    os.utime(path, (T0 + 20, T0 + 20))
    return list(GatewayLog(folder, "flights")(since, until))


def test_a_request_is_what_the_gateway_said_of_it(tmp_path: Path) -> None:
    [request] = read(tmp_path, line())
    assert (request.ended, request.arm, request.request_id) == (T0 + 1, CHALLENGER, "r1")
    assert request.weights == {CHAMPION: 75, CHALLENGER: 25}
    assert (request.duration_ms, request.mirror, request.session) == (4.2, None, None)
    assert (request.has_failed, request.has_timed_out) == (False, False)
    assert (request.is_answered, request.is_refused) == (True, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"route": {"model": "digits"}},
        {"route": {"kind": "feedback"}},
        {"route": {"kind": "debug"}},
        {"route": None},
        {"arm": None, "answered": None, "status": 429, "attempts": 0},
    ],
    ids=["model", "feedback", "by-name", "no-route", "limit"],
)
def test_what_no_chance_gave_to_an_arm_is_left_out(tmp_path: Path, changes) -> None:
    if changes.get("route", {}) is None:
        text = json.loads(line())
        del text["route"]
        assert read(tmp_path, json.dumps(text, separators=(",", ":")) + "\n") == []
        return
    assert read(tmp_path, line(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "failed", "timed_out", "answered", "refused"),
    [
        # Hidden from the client, and not from the rollout.
        ({"answered": CHAMPION, "attempts": 2}, True, False, True, False),
        (
            {"status": 503, "answered": None, "attempts": 0, "flags": "UH"},
            True,
            False,
            False,
            False,
        ),
        ({"status": 504, "duration_us": 7_100_000, "flags": "UT"}, True, True, False, False),
        ({"status": 422}, False, False, False, True),
        ({"status": 0, "flags": "DC"}, False, False, False, True),
        ({"grpc_status": 3}, False, False, False, True),
        ({"grpc_status": 13}, True, False, False, False),
        ({"grpc_status": 0}, False, False, True, False),
    ],
    ids=["in-its-place", "nobody", "late", "refused", "left", "bad-call", "grpc-error", "grpc"],
)
def test_whose_fault_it_was(tmp_path: Path, changes, failed, timed_out, answered, refused) -> None:
    [request] = read(tmp_path, line(**changes))
    assert request.has_failed is failed
    assert request.has_timed_out is timed_out
    assert request.is_answered is answered
    assert request.is_refused is refused
    assert request.is_error is (failed and not timed_out)


def test_two_clients_may_call_their_sessions_alike(tmp_path: Path) -> None:
    first, second = read(
        tmp_path, line(subject="ann", session="1"), line(subject="bob", session="1")
    )
    assert first.one != second.one
    assert first.one == read(tmp_path, line(subject="ann", session="1", request_id="r9"))[0].one


def test_a_line_on_the_border_is_in_one_stretch(tmp_path: Path) -> None:
    lines = [line(T0 + at) for at in (0.0, 4.999999, 5.0, 9.999999, 10.0)]
    early = read(tmp_path, *lines, since=T0, until=T0 + 5)
    late = read(tmp_path, *lines, since=T0 + 5, until=T0 + 10)
    assert [request.ended - T0 for request in early] == pytest.approx([0.0, 4.999999])
    assert [request.ended - T0 for request in late] == pytest.approx([5.0, 9.999999])


def test_no_log_yet_is_nothing(tmp_path: Path) -> None:
    assert list(GatewayLog(tmp_path, "flights")(T0, T0 + 10)) == []


def test_what_envoy_never_wrote_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="not Envoy's"):
        read(tmp_path, '{"time":"yesterday"}\n')
