"""Planted faults: kept, expired, taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import GatewayError
from pipelines.gateway.table import Fault
from pipelines.paths import HomePaths
from pipelines.stack import faults

SLOW = Fault(10, expires=100.0, delay_ms=200)
BROKEN = Fault(50, expires=200.0, version="alpha@v2", abort_status=503)


def test_faults_add_up_and_go_by_themselves(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    assert faults.planted(home, 0.0) == {}
    faults.plant(home, "alpha", SLOW, 0.0)
    faults.plant(home, "alpha", BROKEN, 0.0)
    assert faults.planted(home, 99.0) == {"alpha": (SLOW, BROKEN)}
    assert faults.planted(home, 100.0) == {"alpha": (BROKEN,)}
    assert faults.planted(home, 200.0) == {}


def test_planting_forgets_what_has_expired(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    faults.plant(home, "alpha", SLOW, 0.0)
    faults.plant(home, "alpha", BROKEN, 150.0)
    assert faults.planted(home, 0.0) == {"alpha": (BROKEN,)}


def test_the_faults_of_one_model_are_taken_away(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    faults.plant(home, "alpha", SLOW, 0.0)
    faults.plant(home, "beta", SLOW, 0.0)
    faults.clear(home, "alpha")
    assert faults.planted(home, 0.0) == {"beta": (SLOW,)}


@pytest.mark.parametrize("content", ["{", '{"alpha": [{"percent": 1}]}', '{"alpha": 1}', "[]"])
def test_a_damaged_file_is_no_absence_of_faults(tmp_path: Path, content: str) -> None:
    home = HomePaths(tmp_path)
    faults.path(home).parent.mkdir(parents=True)
    faults.path(home).write_text(content)
    with pytest.raises(GatewayError, match="remove the file"):
        faults.planted(home, 0.0)
