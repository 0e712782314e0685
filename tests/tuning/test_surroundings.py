"""The digest of code and libraries: the same everywhere where scores are the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipelines.tuning import surroundings as module
from pipelines.tuning.surroundings import surroundings


def test_another_process_in_another_folder_says_the_same(tmp_path: Path) -> None:
    code = "from pipelines.tuning.surroundings import surroundings; print(surroundings())"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {code}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == surroundings()
    assert len(surroundings()) == 64


def test_every_pattern_finds_code() -> None:
    for pattern in module._CODE:
        assert list(module._ROOT.glob(pattern)), pattern
