"""What is counted, over how many processes, and with which labels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.serving.metrics import DOORS, OUTCOMES, Meters, outcome_of
from tests.serving import graphs


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *[(status, "answered") for status in (200, 204, 304)],
        *[(status, "refused") for status in (400, 404, 405, 408, 413, 415, 422)],
        *[(status, "unavailable") for status in (429, 503)],
        *[(status, "failed") for status in (500, 502, 504)],
    ],
)
def test_every_status_is_one_of_four_outcomes(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome
    assert outcome in OUTCOMES


def lines(meters: Meters) -> list[str]:
    return meters.exposition().decode().splitlines()


def test_requests_rows_and_seconds_are_counted_by_door(tmp_path: Path) -> None:
    meters = Meters(graphs.model(tmp_path / "model"))
    meters.count("rest", 200, 0.004, 3)
    meters.count("rest", 422, 0.004, 0)
    meters.log({"written": 5, "dropped": 1})
    meters.log_health({"torn": 2, "unclosed": 3}, has_problem=True)
    found = lines(meters)

    assert 'evergreen_requests_total{door="rest",outcome="answered"} 1.0' in found
    assert 'evergreen_requests_total{door="rest",outcome="refused"} 1.0' in found
    assert 'evergreen_requests_total{door="predict",outcome="answered"} 0.0' in found
    assert 'evergreen_rows_total{door="rest"} 3.0' in found
    # Refusals are quick and would make a slow model look fast.
    assert 'evergreen_request_seconds_count{door="rest"} 1.0' in found
    assert 'evergreen_request_seconds_bucket{door="rest",le="0.002"} 0.0' in found
    assert 'evergreen_request_seconds_bucket{door="rest",le="0.005"} 1.0' in found
    assert 'evergreen_prediction_log_rows{state="written"} 5.0' in found
    assert 'evergreen_prediction_log_files{state="torn"} 2.0' in found
    assert 'evergreen_prediction_log_files{state="unclosed"} 3.0' in found
    assert "evergreen_prediction_log_problem 1.0" in found
    [info] = [line for line in found if line.startswith("evergreen_model_info")]
    assert 'model="flights"' in info
    assert 'version="v3"' in info


def test_all_series_are_there_before_the_first_request(tmp_path: Path) -> None:
    found = lines(Meters(graphs.model(tmp_path / "model")))
    requests = [line for line in found if line.startswith("evergreen_requests_total{")]

    assert len(requests) == len(DOORS) * len(OUTCOMES)


WORKER = """
import sys
from pathlib import Path
from pipelines.serving.metrics import Meters
from pipelines.serving.served import ServedModel
meters = Meters(ServedModel.open(Path(sys.argv[1])))
for _ in range(int(sys.argv[2])):
    meters.count("grpc", 200, 0.001, 2)
meters.log({"waiting": int(sys.argv[2])})
print(meters.exposition().decode(), flush=True)
sys.stdin.read()
"""


def test_two_processes_are_added_up(tmp_path: Path) -> None:
    folder = graphs.make(tmp_path / "model", graphs.TABLE)
    shared = tmp_path / "metrics"
    shared.mkdir()
    texts = []
    running = []
    for count in ("3", "4"):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), count],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(shared)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        text = ""
        while "evergreen_prediction_log_rows{" not in text or not text.endswith("\n\n"):
            text += worker.stdout.readline()
        texts.append(text)
        running.append(worker)
    for worker in running:
        worker.communicate(timeout=20)
        assert worker.returncode == 0
    first, both = texts

    assert 'evergreen_requests_total{door="grpc",outcome="answered"} 3.0' in first
    assert 'evergreen_requests_total{door="grpc",outcome="answered"} 7.0' in both
    assert 'evergreen_rows_total{door="grpc"} 14.0' in both
    assert 'evergreen_prediction_log_rows{state="waiting"} 7.0' in both
    # The version is a fact and not a sum.
    [info] = [line for line in both.splitlines() if line.startswith("evergreen_model_info{")]
    assert info.endswith(" 1.0")
    assert "pid=" not in both
