"""The project that is killed in: alpha@v1 is live, and nothing waits for hours."""

from __future__ import annotations

from pathlib import Path

from tests.orchestration import trained_project
from tests.throwaway import Project

SECOND_IN_HOURS = 1 / 3600


def prepared(root: Path) -> Project:
    """A copy of the trained project whose limits of time and number are out of the way.

    They have tests of their own; here every alarm is to begin a retrain, and whatever was killed
    is to be handed out again at once.
    """
    project = trained_project().copied(root)
    project.set(
        "alpha",
        "trigger",
        cooldown_hours=SECOND_IN_HOURS,
        most_in_days=[100_000, 1],
        failed_gates_open_breaker=100_000,
        handover_minutes=3 / 60,  # a worker needs this long to take a start up
    )
    project.set("alpha", "monitor", window_rows=400, minimum_rows=200, labels="none")
    project.set("alpha", "retrain", lease_seconds=6)
    project.commit("Let nothing wait")
    return project
