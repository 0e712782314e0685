"""Progress: few lines in a log, a bar on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.progress import progress


def test_a_log_gets_the_first_and_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("trials", 5000) as on_trial:
        for done in range(5001):
            on_trial(done, 5000)
    written = capsys.readouterr()
    assert written.err.splitlines() == ["trials: 0 of 5,000", "trials: 5,000 of 5,000"]
    assert written.out == ""  # stdout is for results


def test_a_terminal_gets_a_bar() -> None:
    code = (
        "from pipelines.progress import progress\n"
        "with progress('trials', 3) as on_trial:\n"
        "    [on_trial(done, 3) for done in range(4)]\n"
    )
    ours, theirs = pty.openpty()
    root = Path(__file__).parents[1]
    try:
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
            check=True,
        )
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
    assert "trials" in shown
    assert "3/3" in shown
    assert "\x1b[" in shown
