"""Scoring under an interrupt, on a disk that takes no more, and with little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv as arrow_csv

from pipelines.scoring import predict_file
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE


def test_an_interrupt_leaves_the_old_output_and_no_other(artifact: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_file(artifact / GOLDEN_FILE, out, artifact, batch_rows=100, on_progress=stop)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from pipelines.errors import DataError
from pipelines.scoring import predict_file
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    predict_file(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
except DataError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_disk_that_takes_no_more_leaves_nothing(
    artifact: Path, tmp_path: Path, name: str
) -> None:
    # A limit on the size of files fails a write as a full disk does, by another errno.
    out = tmp_path / name
    arguments = [str(artifact / GOLDEN_FILE), str(out), str(artifact)]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *arguments], capture_output=True, text=True, check=True
    )

    assert "cannot write: File too large" in done.stdout
    assert "free some disk space" in done.stdout
    assert list(tmp_path.iterdir()) == []


MEMORY = """
import resource, sys
from pathlib import Path
from pipelines.scoring import predict_file
source, out, folder = map(Path, sys.argv[1:])
predict_file(source, out, folder, batch_rows=2048, keep=["note"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_memory_does_not_grow_with_the_file(
    artifact: Path, golden: pd.DataFrame, tmp_path: Path, kind: str
) -> None:
    golden["note"] = "x" * 1600  # few rows with much in them: it is reading that is measured
    peaks = []
    # The notes of the longer file alone are 190 MB.
    for copies in (5, 100):
        source = repeat(golden.drop(columns=GOLDEN_ANSWER), copies, tmp_path / f"in{copies}{kind}")
        arguments = [str(source), str(tmp_path / "out.parquet"), str(artifact)]
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, *arguments], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout) * 1024 / 1e6)

    assert peaks[1] - peaks[0] < 80, peaks


def repeat(frame: pd.DataFrame, copies: int, path: Path) -> Path:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    opened = arrow_csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
    with opened(path, table.schema) as writer:
        for _ in range(copies):
            writer.write_table(table)
    return path
