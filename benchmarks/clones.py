"""Throwaway clones of this project, so that a measurement starts cold and touches nothing."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.throwaway import environment_of

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def clone() -> Iterator[tuple[Path, dict[str, str]]]:
    """A fresh clone of HEAD, and an environment that uses its code and its state."""
    with tempfile.TemporaryDirectory(prefix="evergreen-bench-") as folder:
        place = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", "--no-tags", str(ROOT), str(place)], check=True)
        yield place, environment_of(place)
