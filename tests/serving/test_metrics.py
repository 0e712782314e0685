"""What is counted, over how many processes, and with which labels."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.serving.metrics import DOORS, LOGGED, OUTCOMES, Meters, outcome_of
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
    meters.log({"written": 3, "dropped": 0, "failed": 0, "queued": 4})
    meters.log({"written": 5, "dropped": 1, "failed": 0, "queued": 2})
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
    assert 'evergreen_prediction_log_rows_total{state="written"} 5.0' in found
    assert 'evergreen_prediction_log_rows_total{state="dropped"} 1.0' in found
    assert "evergreen_prediction_log_queued_rows 2.0" in found
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
    # A row that is lost before anybody looked is an increase only where there was a zero.
    assert all(
        f'evergreen_prediction_log_rows_total{{state="{state}"}} 0.0' in found for state in LOGGED
    )


WORKER = """
import os, sys
from pathlib import Path
from pipelines.serving.metrics import Meters
from pipelines.serving.served import ServedModel
meters = Meters(ServedModel.open(Path(sys.argv[1])), int(os.environ["WORKER"]))
for _ in range(int(sys.argv[2])):
    meters.count("grpc", 200, 0.001, 2)
meters.log({"dropped": int(sys.argv[2]), "queued": int(sys.argv[2])})
print(meters.exposition().decode(), flush=True)
sys.stdin.read()
"""


class Workers:
    """Worker processes of one server, each of which counts and then waits."""

    def __init__(self, folder: Path) -> None:
        self._model = graphs.make(folder / "model", graphs.TABLE)
        self.shared = folder / "metrics"
        self.shared.mkdir()
        self.running: list[subprocess.Popen[str]] = []

    def start(self, number: int, count: int) -> list[str]:
        """What the worker of this number exposes as soon as it has counted."""
        known = {"PROMETHEUS_MULTIPROC_DIR": str(self.shared), "WORKER": str(number)}
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(self._model), str(count)],
            env={**os.environ, **known},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running.append(worker)
        assert worker.stdout is not None
        # An empty line is the end of it; none at all, of the worker.
        return list(iter(lambda: worker.stdout.readline().rstrip("\n"), ""))

    def kill(self, worker: subprocess.Popen[str]) -> None:
        self.running.remove(worker)
        worker.kill()
        worker.communicate()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    found = Workers(tmp_path)
    yield found
    for worker in list(found.running):
        found.kill(worker)


def test_two_processes_are_added_up(workers: Workers) -> None:
    first, both = workers.start(1, 3), workers.start(2, 4)

    assert 'evergreen_requests_total{door="grpc",outcome="answered"} 3.0' in first
    assert 'evergreen_requests_total{door="grpc",outcome="answered"} 7.0' in both
    assert 'evergreen_rows_total{door="grpc"} 14.0' in both
    assert "evergreen_prediction_log_queued_rows 7.0" in both
    # The version is a fact and not a sum.
    [info] = [line for line in both if line.startswith("evergreen_model_info{")]
    assert info.endswith(" 1.0")
    assert not [line for line in both if "pid=" in line]


def test_who_takes_the_place_of_a_killed_worker_counts_on(workers: Workers) -> None:
    workers.start(1, 3)
    workers.start(2, 4)
    files = sorted(workers.shared.iterdir())
    workers.kill(workers.running[0])
    after = workers.start(1, 1)

    # Neither gone, which Prometheus would take for a new beginning, nor counted twice.
    assert 'evergreen_requests_total{door="grpc",outcome="answered"} 8.0' in after
    assert 'evergreen_request_seconds_count{door="grpc"} 8.0' in after
    assert 'evergreen_prediction_log_rows_total{state="dropped"} 8.0' in after
    # What waited in the killed one waits no more.
    assert "evergreen_prediction_log_queued_rows 5.0" in after
    # However often it happens, there are no more files to read.
    assert sorted(workers.shared.iterdir()) == files
