"""A process that scores a file and ends, or is ended: with which code, and what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipelines.scoring import predict_file
from pipelines.signature import GOLDEN_FILE
from tests.scoring.test_predict import GOOD, HEADER

REFUSED = """
import sys
from pathlib import Path
from pipelines.errors import DataError
from pipelines.schema import Schema
from pipelines.scoring.csv_source import open_csv

numbers, categories = ("distance", "departure_hour", "wind_speed"), ("carrier", "origin")
schema = Schema(numbers, categories, target="late")
try:
    _, _, batches = open_csv(Path(sys.argv[1]), schema, list(schema.features), [], 65_536)
    for _ in batches():
        pass
except DataError as error:
    print(error)
    raise SystemExit(error.exit_code) from None
"""
AT_ONCE, ROUNDS = 4, 3


def test_a_refused_file_ends_the_process_with_the_code_of_the_error(tmp_path: Path) -> None:
    """Also while Arrow is still reading ahead: a cold file and busy cores make that likely.

    With Arrow reading through a Python file, three of ten processes were aborted here.
    """
    source = tmp_path / "in.csv"
    source.write_bytes((HEADER + GOOD + "1,2,3,Zürich,\n" + GOOD * 2_000_000).encode("latin1"))
    command = [sys.executable, "-c", REFUSED, str(source)]
    codes = []
    with source.open("rb") as file:
        os.fsync(file.fileno())
        for _ in range(ROUNDS):
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            started = [
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                for _ in range(AT_ONCE)
            ]
            for process in started:
                said, _ = process.communicate(timeout=60)
                assert b"line 3" in said
                codes.append(process.returncode)
    assert codes == [2] * (AT_ONCE * ROUNDS)


HELD = """
import sys, time
from pathlib import Path
from pipelines.scoring import predict_file

def wait(done, total):
    print(done, flush=True)
    time.sleep(600)

predict_file(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), batch_rows=100, on_progress=wait)
"""


def test_what_a_killed_process_leaves_is_removed_by_the_next(
    artifact: Path, tmp_path: Path
) -> None:
    source, out = artifact / GOLDEN_FILE, tmp_path / "out.csv"
    other = tmp_path / ".out.csv.notes"
    other.write_text("mine")
    command = [sys.executable, "-c", HELD, str(source), str(out), str(artifact)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"100\n"
            [partial] = tmp_path.glob("*.partial")

            predict_file(source, out, artifact)
            assert partial.exists(), "it was still being written"
        finally:
            process.kill()
    assert partial.exists()
    predict_file(source, out, artifact)
    assert sorted(tmp_path.iterdir()) == [other, out]
