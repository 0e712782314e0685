"""Throwaway clones of this project, so that a measurement starts cold and touches nothing."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def clone() -> Iterator[tuple[Path, dict[str, str]]]:
    """A fresh clone of HEAD, and an environment that uses its code and its state."""
    with tempfile.TemporaryDirectory(prefix="evergreen-bench-") as folder:
        place = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", "--no-tags", str(ROOT), str(place)], check=True)
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PREFECT_", "EVERGREEN_", "BENTOML_"))
        }
        yield (
            place,
            {
                **kept,
                "PYTHONPATH": str(place),
                "PREFECT_HOME": str(place / ".evergreen" / "prefect"),
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                "DO_NOT_TRACK": "1",
                "BENTOML_DO_NOT_TRACK": "True",
            },
        )
