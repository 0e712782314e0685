"""A full disk and a damaged cache: named, exit code 2, nothing lost, and the next run goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from pipelines.state import ledger, runs
from tests.orchestration import prefect_api
from tests.throwaway import Project

# No file of the process or of what it starts may grow beyond this many bytes. To the writer it is
# what a full disk is: a write that fails half way.
_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from flows.cli import main
main()
"""


def test_a_disk_without_room_is_named_and_loses_nothing(trained: Project) -> None:
    asked = ("retrain", "alpha", "--until", "2024-03")
    # A measurement of coverage would write its own file, and fail as loudly.
    unmeasured = {
        name: value for name, value in trained.environment.items() if "COVERAGE" not in name
    }
    done = subprocess.run(
        # Room for the store and the logs, but not for three months of rows.
        [sys.executable, "-c", _LIMITED, "60000", *asked],
        cwd=trained.root,
        env={**unmeasured, "PREFECT_API_URL": prefect_api()},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 2, done.stderr
    assert "error: " in done.stderr
    assert "next step: " in done.stderr
    assert "Traceback" not in done.stderr
    assert len(ledger.history(trained.engine, "alpha")) == 1
    assert trained.git("tag", "--list", "alpha@*") == "alpha@v1.0.0"
    again = trained.evergreen("source", "alpha", "--record")
    assert again.returncode == 0, again.stderr


def test_a_damaged_object_stops_the_run_by_name_and_can_be_mended(trained: Project) -> None:
    lock = yaml.safe_load(trained.git("show", "alpha@v1.0.0:dvc.lock"))
    [out] = lock["stages"]["split@alpha"]["outs"]
    cache = trained.root / ".dvc" / "cache" / "files" / "md5"
    listing = yaml.safe_load(_at(cache, out["md5"]).read_text(encoding="utf-8"))
    [digest] = [row["md5"] for row in listing if row["relpath"] == "train.parquet"]
    damaged = _at(cache, digest)
    content, mode = damaged.read_bytes(), damaged.stat().st_mode
    times = (damaged.stat().st_atime_ns, damaged.stat().st_mtime_ns)
    damaged.chmod(0o644)
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    damaged.chmod(mode)
    os.utime(damaged, ns=times)

    done = trained.evergreen("retrain", "alpha", PREFECT_API_URL=prefect_api())
    assert done.returncode == 2
    assert "damaged: train.parquet" in done.stderr
    assert str(damaged) in done.stderr
    assert runs.latest(trained.engine, "alpha")[0].status == runs.FAILED
    assert len(ledger.history(trained.engine, "alpha")) == 1

    damaged.unlink()
    mended = trained.evergreen("retrain", "alpha", PREFECT_API_URL=prefect_api())
    assert mended.returncode == 1, mended.stderr
    assert "identical to the champion" in mended.stdout
    assert _at(cache, digest).read_bytes() == content


def _at(cache: Path, digest: str) -> Path:
    return cache / digest[:2] / digest[2:]
