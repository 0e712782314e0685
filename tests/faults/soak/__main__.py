"""`make soak`: many kills, with a seed that is printed, and can be given to have them again."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from tests.faults.soak.killer import Soak
from tests.faults.soak.project import prepared
from tests.orchestration import SHARED, end_prefect


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="the folder, to look at")
    chosen = parser.parse_args()
    seed = secrets.randbelow(10**6) if chosen.seed is None else chosen.seed
    folder = Path(tempfile.mkdtemp(prefix="evergreen-soak-"))
    print(f"seed {seed}, in {folder}", flush=True)
    os.environ[SHARED] = str(folder)
    try:
        project = prepared(folder / "project")
        soak = Soak(project, folder / "soak", seed, lambda said: print(said, flush=True))
        soak.run(chosen.kills)
        print(dict(sorted(soak.counts.items())))
    finally:
        end_prefect(folder)
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
