"""What is read of the log between two moments, rotated, torn, and large."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import GatewayError
from pipelines.gateway import Access, access_log, read_access_log
from pipelines.gateway.admin import Admin
from tests.gateway.gate import Gate, table
from tests.gateway.upstreams import Fleet, Upstream
from tests.waiting import until

V3, V4 = "flights@v3", "flights@v4"
ROUTE = {"model": "flights", "kind": "predict", "generation": 7, "try_ms": 5000.0}
LINE: dict[str, Any] = {
    "time": "10.000000",
    "route": {**ROUTE, "weights": {V3: 75, V4: 25}, "mirror": None},
    "arm": V4,
    "answered": V4,
    "status": 200,
    "grpc_status": None,
    "flags": "-",
    "details": "via_upstream",
    "attempts": 1,
    "duration_us": 2500,
    "latency_us": 1500,
    "request_id": "r",
    "subject": "team-a",
    "session": None,
    "path": "/predict",
}


def write(path: Path, *lines: dict[str, Any]) -> None:
    text = "".join(json.dumps(LINE | line) + "\n" for line in lines)
    path.write_text(text)


def one(folder: Path, **line: Any) -> Access:
    write(folder / "access.log", line)
    [found] = read_access_log(folder, 0, 100)
    return found


def test_a_line_becomes_a_record(tmp_path: Path) -> None:
    found = one(tmp_path)
    assert (found.time, found.model, found.kind) == (10.0, "flights", "predict")
    assert (found.arm, found.answered, found.weight) == (V4, V4, 25)
    assert (found.status, found.flags, found.attempts) == (200, "", 1)
    assert (found.duration_ms, found.request_id, found.subject) == (2.5, "r", "team-a")
    assert found.latency_ms == 1.5
    assert (found.generation, found.try_ms) == (7, 5000.0)
    assert not (found.has_failed or found.has_arm_failed or found.is_abandoned)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({}, (False, False, False)),
        ({"answered": V3, "attempts": 2}, (False, True, False)),
        # Ejected before it was asked: unavailable all the same.
        ({"answered": V3}, (False, True, False)),
        ({"answered": V3, "attempts": 2, "latency_us": 5_000_000}, (False, True, True)),
        ({"answered": V3, "attempts": 2, "latency_us": 4_980_000}, (False, True, True)),
        ({"answered": V3, "attempts": 2, "latency_us": 4_500_000}, (False, True, False)),
        ({"status": 503, "answered": None}, (True, True, False)),
        ({"status": 504, "latency_us": 9_000_000}, (True, True, True)),
        ({"grpc_status": 13}, (True, True, False)),
        ({"grpc_status": 3}, (False, False, False)),
        ({"status": 422}, (False, False, False)),
        # Refused before a version was chosen.
        ({"status": 429, "arm": None, "answered": None, "attempts": 0}, (False, False, False)),
        ({"status": 0, "flags": "DC", "answered": None}, (True, False, False)),
        ({"status": 200, "flags": "DC"}, (False, False, False)),
        ({"status": 200, "flags": "UC,DR", "answered": None}, (False, False, False)),
    ],
)
def test_whose_failure_it_was(
    tmp_path: Path, line: dict[str, Any], expected: tuple[bool, bool, bool]
) -> None:
    found = one(tmp_path, **line)
    assert (found.has_failed, found.has_arm_failed, found.has_arm_timed_out) == expected


def test_two_stretches_that_meet_count_every_request_once(tmp_path: Path) -> None:
    times = [f"{second}.500000" for second in range(20)]
    write(tmp_path / "access.log", *({"time": at, "request_id": at} for at in times))
    first = [each.request_id for each in read_access_log(tmp_path, 0, 9.5)]
    second = [each.request_id for each in read_access_log(tmp_path, 9.5, 100)]
    assert first + second == times
    assert [each.request_id for each in read_access_log(tmp_path, 9.5, 100)] == second


def test_the_middle_of_a_large_file_is_found_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "access.log"
    write(path, *({"time": f"{at}.0", "request_id": str(at)} for at in range(20_000)))
    decoded = []
    real = access_log._decode

    def counted(line: bytes, name: str) -> Access:
        decoded.append(line)
        return real(line, name)

    monkeypatch.setattr(access_log, "_decode", counted)
    found = [int(each.request_id) for each in read_access_log(tmp_path, 19_000, 19_010)]
    assert found == list(range(19_001, 19_011))
    assert len(decoded) < 2000


def test_half_a_line_is_left_for_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    write(path, {}, {})
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert len(list(read_access_log(tmp_path, 0, 100))) == 1
    path.write_bytes(whole)
    assert len(list(read_access_log(tmp_path, 0, 100))) == 2


def test_a_line_that_is_not_envoys_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text('{"time": "soon"}\n')
    with pytest.raises(GatewayError, match="is not Envoy's") as raised:
        list(read_access_log(tmp_path, 0, 100))
    assert raised.value.where.endswith("access.log")


def test_no_log_is_no_request(tmp_path: Path) -> None:
    assert list(read_access_log(tmp_path, 0, 100)) == []
    access_log.mend(tmp_path)
    access_log.rotate(tmp_path, Admin(tmp_path), now=1.0)


def test_files_are_rotated_read_in_order_and_removed_at_last(
    running: Gate, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = table(fleet.start(V3))
    running.apply(wanted)
    begin = time.time()
    monkeypatch.setattr(access_log, "ROTATED_BYTES", 1)
    monkeypatch.setattr(access_log, "KEPT_FILES", 2)
    asked: list[str] = []
    for number in range(3):
        running.predict({"x-request-id": f"n{number}"})
        asked.append(f"n{number}")
        until(lambda: asked[-1] in [each.request_id for each in running.logged(begin)])
        running.apply(wanted)
    assert len(list(running.folder.glob("access-*.log"))) <= 2
    running.predict({"x-request-id": "last"})
    found = [each.request_id for each in running.logged(begin)]
    assert found == [*asked[-2:], "last"]


def test_a_client_cannot_write_lines_of_its_own(running: Gate, fleet: Fleet) -> None:
    server: Upstream = fleet.start(V3)
    running.apply(table(server))
    begin = time.time()
    running.predict(
        {"x-session-id": '"}\n{"time": "1'.replace("\n", " "), "x-request-id": "q" * 500}
    )
    [found] = running.logged(begin)
    assert found.session == '"} {"time": "1'
    assert found.request_id == "q" * 128


def test_a_file_that_is_rotated_while_it_is_read_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = tmp_path / "access.log"
    write(current, {"request_id": "old"})
    real = access_log._files
    looks = 0

    def rotating(folder: Path) -> list[Path]:
        nonlocal looks
        found = real(folder)
        looks += 1
        if looks == 1:  # after the look, before the files are open
            current.replace(tmp_path / "access-000000000000001.log")
            write(current, {"request_id": "new"})
        return found

    monkeypatch.setattr(access_log, "_files", rotating)
    found = [each.request_id for each in read_access_log(tmp_path, 0, 100)]
    assert found == ["old", "new"]
