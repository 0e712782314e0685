"""A year of flights, lived by the default policy: what keeping the model fresh was worth.

The measure is the AUC of the answers that were given, by whichever version was live, beside that
of the first version's answers to the same flights.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import year_table
from benchmarks.clones import clone
from flows import prefect_server
from pipelines.files import write_text


def run(write: Path | None) -> None:
    """Live the year in a clone of HEAD; print the table, and write it where asked."""
    started = time.monotonic()
    with clone() as (place, environment):
        log, out = place / ".evergreen" / "logs" / "prefect.log", place / "year.json"
        with prefect_server.running(environment, log) as url:
            subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "benchmarks.year_life", str(out)],
                cwd=place,
                env={**environment, "PREFECT_API_URL": url, "PREFECT_LOGGING_LEVEL": "ERROR"},
                stdin=subprocess.DEVNULL,
                check=True,
            )
        lived = json.loads(out.read_text(encoding="utf-8"))
    page = year_table.render(lived)
    print(page)
    if write is not None:
        write_text(page, write)
    print(f"{time.monotonic() - started:.0f} s")
