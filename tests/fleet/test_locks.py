"""One holder at a time, and none for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import BusyError
from pipelines.fleet.locks import held
from tests.waiting import until

HOLD = """
import sys, time
from pathlib import Path
from pipelines.fleet.locks import held
with held(Path(sys.argv[1]), 1.0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path / "lock", 0.0):
            pass


def test_a_lock_of_another_process_is_waited_for_and_comes_back_when_that_is_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lock"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match="lock"), held(path, 0.05):
            pass
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert other.stdout is not None
        other.stdout.close()
    until(lambda: other.returncode is not None)
    with held(path, 5.0):
        pass
