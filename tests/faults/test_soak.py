"""SIGKILL at 200 random moments: nothing is lost, doubled, stuck, or half there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.soak.killer import Soak
from tests.faults.soak.project import prepared

SEED, KILLS = 11, 200


@pytest.mark.timeout(900)
def test_the_loop_survives_the_night(tmp_path: Path) -> None:
    soak = Soak(prepared(tmp_path / "project"), tmp_path / "soak", SEED, print)
    soak.run(KILLS)
    assert soak.counts["killed server"] >= 3
    assert soak.counts["killed worker"] >= 10
    assert soak.counts["ended retrain"] >= 3
