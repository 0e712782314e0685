"""The evidence of a version, out of its commit."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.versioning import versions, watched
from pipelines.versioning.git import Repository
from tests.orchestration import Finished
from tests.throwaway import Project

pytestmark = pytest.mark.slow


def test_what_a_version_is_watched_by_is_fetched_once(trained: Project) -> None:
    repository = Repository.at(trained.root)
    [version] = versions.registered(repository, "alpha")
    folder = watched.evidence_folder(repository, trained.home, version)
    assert {path.name for path in folder.iterdir()} == {
        "attribution.json",
        "expectations.yaml",
        "holdout.parquet",
        "reference.parquet",
    }
    assert pq.read_metadata(folder / "reference.parquet").num_rows == 200
    before = folder.stat().st_mtime_ns
    assert watched.evidence_folder(repository, trained.home, version) == folder
    assert folder.stat().st_mtime_ns == before


def test_the_settings_of_a_version_are_those_of_its_commit(trained: Project) -> None:
    repository = Repository.at(trained.root)
    [version] = versions.registered(repository, "alpha")
    trained.set("alpha", "split", reference_rows=77)
    made_with = watched.settings_of(repository, version)
    assert made_with is not None
    assert made_with.split.reference_rows == 200


def test_cache_and_remote_that_lost_it_leave_it_out(
    first: tuple[Project, Finished], tmp_path: Path
) -> None:
    project = first[0].copied(tmp_path / "lost")
    repository = Repository.at(project.root)
    [version] = versions.registered(repository, "alpha")
    for place in (project.root / ".dvc" / "cache" / "files", project.home.home / "remote"):
        for path in place.rglob("*"):
            if path.is_file():
                path.chmod(0o600)
                path.unlink()
    folder = watched.evidence_folder(repository, project.home, version)
    assert not (folder / "reference.parquet").exists()
    # Not kept: what is missing may be fetched tomorrow.
    assert folder.name.endswith(".partial")
