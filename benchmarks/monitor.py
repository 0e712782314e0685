"""A verdict on a window of many rows, beside Evidently's own preset on the same ones.

Each in a process of its own, so that its memory is its own: seconds and peak memory of all of it,
imports included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

from benchmarks.clones import ROOT

_MAKE = """
import sys
from pathlib import Path
from benchmarks.monitor_world import make
make(Path(sys.argv[1]), int(sys.argv[2]))
"""
_OURS = """
import resource, sys, time
begun = time.monotonic()
from pathlib import Path
from benchmarks.monitor_world import look
record = look(Path(sys.argv[1]), has_pages=sys.argv[2] == "pages")
print(f"{record.rows:,} rows: {record.verdict.outcome.value}: {record.verdict.reason[:90]}")
print(f"{time.monotonic() - begun:.1f} s, {time.process_time():.1f} s of CPU, "
      f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:,.0f} MiB")
"""
_STOCK = """
import resource, sys, time
begun = time.monotonic()
from pathlib import Path
import pyarrow.parquet as pq
from evidently import Report
from evidently.presets import DataDriftPreset
from benchmarks.monitor_world import frames
current, reference = frames(Path(sys.argv[1]))
Report([DataDriftPreset()]).run(current, reference)
print(f"{len(current):,} rows")
print(f"{time.monotonic() - begun:.1f} s, {time.process_time():.1f} s of CPU, "
      f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:,.0f} MiB")
"""


def run(rows: int) -> None:
    """Log so many answers of 20 columns, and look at them."""
    with tempfile.TemporaryDirectory() as folder:
        _python(_MAKE, folder, str(rows))
        for name, code, *more in (
            ("the verdict", _OURS, "verdict"),
            ("with the timeline, and the pages of an alarm", _OURS, "pages"),
            ("Evidently's DataDriftPreset", _STOCK),
        ):
            print(f"{name}:\n  " + _python(code, folder, *more).replace("\n", "\n  "), flush=True)


def _python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip()
