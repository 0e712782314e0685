"""What the time of a replay says about the data that a retrain would see."""

from __future__ import annotations

from pathlib import Path

from flows.replaying import until_of_replay
from pipelines.paths import home
from pipelines.replaying import standing
from pipelines.replaying.standing import Standing
from tests import small


def _at(root: Path, moment: str) -> None:
    where = home(root).replay(small.MODEL)
    standing.write(Standing("2024-02", "2024-04", 24.0, 50, at=moment), where)


def test_a_month_is_there_once_its_labels_are_known(tmp_path: Path) -> None:
    small.project(tmp_path, ingest={"until": "2024-01"})
    assert until_of_replay(tmp_path, small.MODEL) is None
    _at(tmp_path, "2024-03-01T12:00:00")
    assert until_of_replay(tmp_path, small.MODEL) is None
    _at(tmp_path, "2024-03-02T12:00:00")
    assert until_of_replay(tmp_path, small.MODEL) == {"ingest.until": "2024-02"}


def test_a_project_that_went_past_the_replay_reads_what_it_says_itself(tmp_path: Path) -> None:
    small.project(tmp_path, ingest={"until": "2024-02"})
    _at(tmp_path, "2024-03-20T12:00:00")
    assert until_of_replay(tmp_path, small.MODEL) is None
