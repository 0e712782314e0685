"""Each server has a home of its own for BentoML, which keeps the counts of its workers there.

BentoML empties that folder whenever a server starts: two servers of one home would take each
other's counts away, and show them as their own.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import psutil

from pipelines.paths import HomePaths

# What BentoML calls it; every process of a server, workers too, has it in its environment.
VARIABLE = "BENTOML_HOME"


def fresh(home: HomePaths) -> Path:
    """Where a server that is about to start may live; what no process lives in any more goes.

    A kill leaves such a folder behind, and the next start removes it. The server makes its own, so
    that none is ever there before the process that names it.
    """
    _sweep(home.servers)
    return home.servers / secrets.token_hex(8)


def _sweep(folder: Path) -> None:
    # Listed before the processes are: a server that starts in between is not listed.
    there = list(folder.glob("*"))
    lived_in = _lived_in() if there else set()
    for each in there:
        if each.name not in lived_in:
            shutil.rmtree(each, ignore_errors=True)  # two starts may remove the same one


def _lived_in() -> set[str]:
    """By their last names alone, which are random: a home may be reached by several paths."""
    # None stands for what we may not read: another user's, who has other homes.
    told = (process.info["environ"] or {} for process in psutil.process_iter(["environ"]))
    return {Path(environment.get(VARIABLE, "")).name for environment in told}
