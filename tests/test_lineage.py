"""What a version was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import lineage
from pipelines.errors import WorkspaceError
from tests.small import MODEL, project

LOCK = """\
schema: '2.0'
stages:
  validate@shop:
    cmd: x
    outs:
    - path: data/shop/quarantine
      md5: 1111.dir
    - path: data/shop/clean
      md5: 2222.dir
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    project(tmp_path)
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / lineage.REQUIREMENTS_LOCK).write_text("numpy==1\n")
    return tmp_path


def test_three_hashes(workspace: Path) -> None:
    found = lineage.hashes(workspace, MODEL)
    assert found["data_hash"] == "2222.dir"
    assert len(found["params_hash"]) == len(found["lock_hash"]) == 64


def test_each_follows_its_own_file(workspace: Path) -> None:
    before = lineage.hashes(workspace, MODEL)
    params = workspace / "params.yaml"
    params.write_text(params.read_text() + "# a comment\n")
    assert lineage.hashes(workspace, MODEL) == before
    project(workspace, tune={"seed": 99})
    (workspace / lineage.REQUIREMENTS_LOCK).write_text("numpy==2\n")
    after = lineage.hashes(workspace, MODEL)
    assert {name for name in before if before[name] != after[name]} == {
        "params_hash",
        "lock_hash",
    }


@pytest.mark.parametrize("lock", ["", "stages: {}\n", LOCK.replace("data/shop/clean", "other")])
def test_a_lock_without_clean_rows(workspace: Path, lock: str) -> None:
    (workspace / "dvc.lock").write_text(lock)
    with pytest.raises(WorkspaceError, match="no clean rows of shop") as caught:
        lineage.hashes(workspace, MODEL)
    assert "dvc repro validate@shop" in caught.value.next_step


def test_no_lock_at_all(workspace: Path) -> None:
    (workspace / "dvc.lock").unlink()
    with pytest.raises(WorkspaceError, match="no clean rows"):
        lineage.hashes(workspace, MODEL)
