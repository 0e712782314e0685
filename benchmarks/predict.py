"""`evergreen predict` on many rows: rows a second, and peak memory of the whole process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.clones import clone
from flows import prefect_server

MODEL = "flights"
_CHUNK = 500_000

_SCRIPT = """
import resource, sys
from pathlib import Path
sys.argv = ["evergreen", "predict", "flights", sys.argv[1], "-o", sys.argv[2]]
from flows.cli import app
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
print("peak memory", round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10), "MiB")
"""


def run(rows: int) -> None:
    """Train once, repeat the flights of one month until there are `rows`, and score them."""
    with clone() as (place, environment), tempfile.TemporaryDirectory() as folder:
        log = place / ".evergreen" / "logs" / "prefect.log"
        with prefect_server.running(environment, log) as url:
            retrain = [sys.executable, "-m", "flows", "retrain", MODEL, "--json"]
            subprocess.run(
                retrain,
                cwd=place,
                env={**environment, "PREFECT_API_URL": url},
                check=True,
                capture_output=True,
            )
        for ending in ("parquet", "csv"):
            file = Path(folder) / f"many.{ending}"
            _write(file, rows)
            print(f"{rows:,} rows of {ending}, {file.stat().st_size / 1e6:,.0f} MB", flush=True)
            command = [sys.executable, "-c", _SCRIPT, str(file), f"{folder}/scored.parquet"]
            done = subprocess.run(
                command, cwd=place, env=environment, check=True, capture_output=True, text=True
            )
            print("  " + done.stdout.strip().replace("\n", "\n  "), flush=True)
            file.unlink()


def _write(file: Path, rows: int) -> None:
    from pyarrow import csv

    from pipelines.datasets.flights import SOURCE, Flights
    from pipelines.settings import IngestSettings

    window = IngestSettings(dataset=MODEL, source=SOURCE, since="2013-06", until="2013-06")
    read = Flights().read(window)
    month = next(frame for _, frame in read.partitions)[list(read.schema.features)]
    generator = np.random.default_rng(7)
    schema = pa.Schema.from_pandas(month, preserve_index=False)
    writer = pq.ParquetWriter(file, schema) if file.suffix == ".parquet" else None
    writer = writer or csv.CSVWriter(file, schema)
    with writer:
        for start in range(0, rows, _CHUNK):
            chosen = generator.integers(0, len(month), min(_CHUNK, rows - start))
            table = pa.Table.from_pandas(month.iloc[chosen], schema=schema, preserve_index=False)
            writer.write_table(table)
