"""Real kills and real full disks, of a process that writes to the log under load."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipelines.predictions import closing, names, read
from tests.predictions.factories import ROOT, python

WRITER = """
import asyncio, os, sys
from pathlib import Path
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from tests.predictions.factories import BINARY, answered
policy = LogPolicy(mode="audit", segment_rows=150)
log = PredictionLog.open(Path(sys.argv[1]), BINARY, policy, None)
numbers = iter(range(10**9))
async def one():
    for number in numbers:
        name = f"{sys.argv[2]}-{number}"
        await log.write(answered(number, rows=1 + number % 3, request_id=name))
        os.write(1, f"{name}\\n".encode())
async def all():
    await asyncio.gather(*(one() for _ in range(16)))
asyncio.run(all())
"""


def killed(folder: Path, name: str, seconds: float) -> list[str]:
    """What a writer acknowledged before it was killed so long after its first word."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    said = [process.stdout.readline()]
    reader = threading.Thread(target=lambda: said.extend(process.stdout))  # type: ignore[arg-type]
    reader.start()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    reader.join(20)
    process.stdout.close()
    return [line.decode().strip() for line in said if line.endswith(b"\n")]


def logged(folder: Path) -> list[tuple[str, int]]:
    table = read.read(folder, columns=["request_id", "row"])
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def test_killed_under_load_every_acknowledged_answer_is_in_the_log(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    # Each start recovers what the kill before it left behind, and is killed at its own moment.
    for number, seconds in enumerate((0.0, 0.13, 0.27, 0.41)):
        acknowledged += killed(tmp_path, f"start{number}", seconds)
    before = logged(tmp_path)
    closing.recover(tmp_path)
    after = logged(tmp_path)

    assert sorted(before) == sorted(after)
    assert len(after) == len(set(after))
    wanted = {
        (name, row) for name in acknowledged for row in range(1 + int(name.rpartition("-")[2]) % 3)
    }
    assert len(acknowledged) > 500
    assert wanted <= set(after)
    assert names.streams(tmp_path) == []


FULL = """
import asyncio, logging, resource, sys
logging.basicConfig(stream=sys.stdout, format="told %(levelname)s %(message)s")
from pathlib import Path
from pipelines.errors import LogError
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from tests.predictions.factories import BINARY, answered
limit = int(sys.argv[2])
log = PredictionLog.open(Path(sys.argv[1]), BINARY, LogPolicy(mode="audit"), None)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
async def all():
    refused = []
    for number in range(40):
        try:
            await log.write(answered(number))
            print("kept", f"request-{number}")
        except LogError as error:
            assert "File too large" in error.problem, error
            print("refused", f"request-{number}")
asyncio.run(all())
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
asyncio.run(log.write(answered(40)))
print("kept", "request-40")
log.close(20)
print("counts", log.counts.written, log.counts.failed)
"""


@pytest.mark.parametrize("limit", [100, 6000], ids=["nothing fits", "some fit"])
def test_a_full_disk_refuses_in_audit_and_says_so(tmp_path: Path, limit: int) -> None:
    said = [line.split(maxsplit=1) for line in python(FULL, tmp_path, limit).splitlines()]
    kept = [name for word, name in said if word == "kept"]
    refused = [name for word, name in said if word == "refused"]
    assert refused
    assert len(kept) == (1 if limit == 100 else 41 - len(refused)) > 0
    assert [name for name, _ in sorted(logged(tmp_path), key=lambda row: int(row[0][8:]))] == kept
    assert said[-1][1] == f"{len(kept)} {len(refused)}"
    problem = "the record could not be written: File too large"
    told = [text for word, text in said if word == "told"]
    assert told == [
        f"ERROR {tmp_path}: {problem}",
        f"WARNING {tmp_path}: all is well again, after: {problem}",
    ]
    assert "is it full, or slow?" in next(text for word, text in said if word == "next")
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet"}


FULL_FAST = """
import resource, sys, time
from pathlib import Path
from pipelines.predictions import log as module
from pipelines.predictions.policy import LogPolicy
from tests.predictions.factories import BINARY, answered
module.PAUSE_SECONDS = 1.0
log = module.PredictionLog.open(Path(sys.argv[1]), BINARY, LogPolicy(queue_rows=50), None)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
def wait_for(is_so):
    end = time.monotonic() + 20
    while not is_so(log.counts):
        assert time.monotonic() < end, log.counts
        time.sleep(0.005)
log.offer(answered(0, rows=30))
wait_for(lambda counts: counts.failed == 30)
assert "File too large" in log.counts.problem
taken = sum(log.offer(answered(number)) for number in range(1, 101))
dropped = log.counts.dropped
time.sleep(0.2)
assert (log.counts.queued, log.counts.failed) == (50, 30), log.counts
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
wait_for(lambda counts: counts.queued == 0)
log.close(20)
print(taken, dropped, log.counts.written, log.counts.failed, log.counts.problem)
"""


def test_a_full_disk_in_fast_mode_counts_and_goes_on_after_a_pause(tmp_path: Path) -> None:
    assert python(FULL_FAST, tmp_path).strip() == "50 50 50 30 None"
    assert len(logged(tmp_path)) == 50


def test_a_process_that_ends_without_closing_leaves_what_was_written(tmp_path: Path) -> None:
    code = WRITER.partition("numbers =")[0] + "\nasyncio.run(log.write(answered(7)))\n"
    python(code, tmp_path, "x")
    assert logged(tmp_path) == [("request-7", 0)]
    assert [path.suffix for path in tmp_path.iterdir()] == [".arrows"]
