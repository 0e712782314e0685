"""A throwaway project: this repository's own files, with two small models instead of its own.

Nothing in it leads back: its git, DVC cache, remote and runtime state are all below one folder
of pytest's. What is copied is the tree as it is now, so that a change is tested before it is
committed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
import yaml

from pipelines.paths import HomePaths
from pipelines.state import store

REPOSITORY = Path(__file__).parents[1]
MODELS = ("alpha", "beta")
MONTHS = ("2024-01", "2024-02", "2024-03")
ROWS_A_DAY = 60
# The shell that DVC starts stages through must not depend on who runs the tests.
_CLEARED = (
    "EVERGREEN_DATABASE_URL",
    "EVERGREEN_PARENT",
    "EVERGREEN_PROJECT",
    "PREFECT_PROFILE",
)

_EXPECTATIONS = """\
rows:
  - type: expect_table_row_count_to_be_between
    severity: critical
    kwargs: {min_value: 1000}
    why: fewer rows cannot hold a tuning and a holdout side
  - type: expect_column_values_to_be_between
    severity: critical
    kwargs: {column: speed, min_value: -50, max_value: 50, mostly: 0.9}
    rows: quarantine
    why: nothing here is that fast
"""


@dataclass(frozen=True)
class Project:
    """A project to do anything to."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that works in it, with no way to the developer's own."""
        kept = {key: value for key, value in os.environ.items() if key not in _CLEARED}
        return {
            **kept,
            "EVERGREEN_HOME": str(self.root / ".evergreen"),
            "PREFECT_HOME": str(self.root / ".evergreen" / "prefect"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]]),
            "DVC_SITE_CACHE_DIR": str(self.root / ".evergreen" / "dvc-site"),
            # The developer's own git settings, such as signing, are not what is tested.
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "SHELL": "/bin/sh",
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "OMP_NUM_THREADS": "1",
        }

    @property
    def home(self) -> HomePaths:
        return HomePaths(self.root / ".evergreen")

    @property
    def engine(self) -> sa.Engine:
        return store.connect(self.home.database)

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            check=True,
            capture_output=True,
            text=True,
            env=self.environment,
        ).stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """`evergreen ARGUMENTS` as a process of its own session, output and errors in one pipe."""
        return subprocess.Popen(
            evergreen(*arguments),
            cwd=self.root,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            # A shell lets what it starts in the background ignore Ctrl-C; a person's does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def evergreen(
        self, *arguments: str, seconds: float = 240, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `evergreen ARGUMENTS` to its end, which must come within so many seconds."""
        return subprocess.run(
            evergreen(*arguments),
            cwd=self.root,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def dvc(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `dvc ARGUMENTS`, as a DVC user would."""
        return subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.root,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    def set(self, model: str, section: str, **values: Any) -> None:
        """Change keys of params.yaml; not committed."""
        path = self.root / "params.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["models"][model].setdefault(section, {}).update(values)
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def copied(self, target: Path) -> Project:
        """The whole project once more, cache and state included."""
        shutil.copytree(self.root, target, symlinks=True)
        return Project(target)


def evergreen(*arguments: str) -> list[str]:
    """The command line of `evergreen`; the code is that of the folder it runs in."""
    return [sys.executable, "-c", "from flows.cli import main; main()", *arguments]


def make_project(target: Path, models: tuple[str, ...] = MODELS) -> Project:
    """Copy this repository's files, and commit two small models to it."""
    # The developer's own models do not belong to this project.
    copy_repository(target, but=("data/", "tests/", "docs/"))
    # Nobody looks at the dashboard of a test, and it takes seconds to start.
    content = {
        "models": {model: settings(model) for model in models},
        "dashboard": {"serve": False},
    }
    text = yaml.safe_dump(content, sort_keys=False)
    (target / "params.yaml").write_text(text, encoding="utf-8")
    for number, model in enumerate(models):
        write_rows(target / "sources" / f"{model}.csv", MONTHS, seed=number)
        folder = target / "data" / model
        folder.mkdir(parents=True)
        (folder / "expectations.yaml").write_text(_EXPECTATIONS, encoding="utf-8")
    return begin(target)


def copy_repository(target: Path, but: tuple[str, ...]) -> None:
    """Copy this repository's files as they are now, without what begins with one of `but`."""
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z", "-co", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        place = REPOSITORY / name
        if place.is_file() and not name.startswith((*but, "dvc.lock")):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(place, copy)


def begin(target: Path) -> Project:
    """Make a folder a repository of its own, with all that is in it committed."""
    project = Project(target)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(target)], check=True)
    project.git("config", "user.name", "A Person")
    project.git("config", "user.email", "person@example.org")
    project.commit("Begin")
    return project


def settings(model: str) -> dict[str, Any]:
    """A model that is trained in seconds."""
    return {
        "ingest": {
            "dataset": "table",
            "source": f"sources/{model}.csv",
            "target": "late",
            "time": "day",
            "until": MONTHS[1],
        },
        "validate": {"freshness_days": 3},
        "split": {"tuning_days": 7, "holdout_days": 14, "reference_rows": 200},
        "tune": {"trials": 2, "workers": 1, "sampler": "random", "pruner": "none"},
        "train": {"family": "logistic"},
        "evaluate": {"bootstrap_rounds": 50, "importance_rows": 100, "slices": ["kind"]},
        "gate": {
            "bootstrap_rounds": 200,
            "margin": 0.05,
            "calibration_margin": 0.1,
            "slice_margin": 0.2,
        },
    }


def write_rows(path: Path, months: tuple[str, ...], seed: int, noise: float = 1.0) -> None:
    """Rows whose label follows `speed` and `kind`, `ROWS_A_DAY` on each of 28 days a month."""
    generator = np.random.default_rng(seed)
    days = [f"{month}-{day:02}" for month in months for day in range(1, 29)]
    count = len(days) * ROWS_A_DAY
    speed = generator.normal(size=count).round(6)
    weight = generator.normal(size=count).round(6)
    kind = generator.choice(["a", "b", "c"], size=count)
    signal = 2 * speed + (kind == "b") + noise * generator.logistic(size=count)
    frame = pd.DataFrame(
        {
            "day": np.repeat(days, ROWS_A_DAY),
            "speed": speed,
            "weight": weight,
            "kind": kind,
            "late": (signal > 0.5).astype(int),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
