from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from pipelines.errors import SettingsError, WorkspaceError
from pipelines.state.runs import Run
from pipelines.versioning.git import Repository
from pipelines.versioning.workspace import Workspace, assign, open_workspace, require_clean
from tests.throwaway import Project

SOURCE = "sources/alpha.csv"
_OPEN = """
import sys
from pathlib import Path
from pipelines.paths import HomePaths
from pipelines.state.runs import Run
from pipelines.versioning.git import Repository
from pipelines.versioning.workspace import open_workspace
root = Path(sys.argv[1])
print("ready", flush=True)
run = Run("r1", "alpha", "running", sys.argv[2], {"split.seed": 3}, "why", "now")
open_workspace(Repository(root), HomePaths(root / ".evergreen"), run, None)
"""


def _run(repository: Repository, overrides: dict[str, object] | None = None) -> Run:
    return Run("r1", "alpha", "running", repository.head(), overrides or {}, "why", "now")


def _open(
    project: Project, overrides: dict[str, object] | None = None, earlier: str | None = None
) -> Workspace:
    repository = Repository.at(project.root)
    return open_workspace(repository, project.home, _run(repository, overrides), earlier)


def _params(workspace: Workspace) -> dict[str, dict[str, object]]:
    text = (workspace.root / "params.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, object]] = yaml.safe_load(text)["models"]["alpha"]
    return found


def test_a_work_tree_is_private_and_carries_the_overrides(project: Project) -> None:
    workspace = _open(project, {"split.seed": 3, "gate.budget.latency_ms": 5})
    assert _params(workspace)["split"]["seed"] == 3
    assert _params(workspace)["gate"]["budget"] == {"latency_ms": 5}
    assert project.git("status", "--porcelain") == ""
    assert workspace.repository.git("branch", "--show-current") == "retrain/alpha/r1"
    assert "split.seed" not in (project.root / "params.yaml").read_text(encoding="utf-8")


def test_comments_and_order_of_params_survive_an_override(project: Project) -> None:
    path = project.root / "params.yaml"
    text = "# every knob\n" + path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    project.commit("Comment")
    workspace = _open(project, {"ingest.until": "2024-03"})
    written = (workspace.root / "params.yaml").read_text(encoding="utf-8")
    assert written == text.replace("until: 2024-02", "until: 2024-03", 1)


def test_an_override_through_a_value_is_refused() -> None:
    with pytest.raises(SettingsError, match="seed is not a section"):
        assign({"split": {"seed": 1}}, {"split.seed.more": 2})


def test_it_shares_cache_and_remotes_with_the_project(project: Project) -> None:
    (project.root / ".dvc" / "config.local").write_text(
        "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://bucket/key\n"
        "    access_key_id = someone\n    read_timeout = 7\n['remote \"near\"']\n"
        "    url = ../near\n",
        encoding="utf-8",
    )
    workspace = _open(project)
    with Repo(str(project.root)) as ours, Repo(str(workspace.root)) as theirs:
        assert theirs.cache.local.path == ours.cache.local.path
        assert theirs.config["core"]["remote"] == "store"
        for name in ("local", "near"):
            assert theirs.config["remote"][name]["url"] == ours.config["remote"][name]["url"]
        store = theirs.config["remote"]["store"]
    assert store["access_key_id"] == "someone"
    # Never without a limit, and a person's own limit stands.
    assert (store["connect_timeout"], store["read_timeout"]) == (5, 7)
    assert workspace.repository.git("status", "--porcelain") == ""


def test_a_killed_runs_work_tree_is_as_it_was_left(project: Project) -> None:
    workspace = _open(project, {"split.seed": 3})
    (workspace.root / "half-done").touch()
    git_dir = Path(workspace.repository.git("rev-parse", "--absolute-git-dir"))
    branch_lock = project.root / ".git/refs/heads/retrain/alpha/r1.lock"
    for lock in (git_dir / "index.lock", git_dir / "HEAD.lock", branch_lock):
        lock.touch()
    again = _open(project, {"split.seed": 3})
    assert (again.root / "half-done").exists()
    base = project.git("rev-parse", "HEAD")
    assert not again.is_committed(base)
    (again.root / "dvc.lock").write_text("schema: '2.0'\n", encoding="utf-8")
    assert again.commit("A lock that nobody holds is no obstacle") != base
    assert again.is_committed(base)


@pytest.mark.parametrize("left", ["no git", "lost", "locked", "files missing", "a file"])
def test_a_half_made_work_tree_is_made_afresh(project: Project, left: str) -> None:
    folder = project.home.worktrees / "alpha-r1"
    if left in {"no git", "a file"}:
        folder.mkdir(parents=True)
        (folder / "params.yaml").touch()
        if left == "a file":
            (folder / ".git").write_text("gitdir: /nowhere\n", encoding="utf-8")
    else:
        workspace = _open(project, {"split.seed": 9})
        (workspace.root / ".dvc" / "config.local").unlink()
        private = project.root / ".git" / "worktrees" / "alpha-r1"
        if left == "lost":
            shutil.rmtree(private)
        elif left == "locked":
            (private / "locked").write_text("initializing", encoding="utf-8")
            (private / "index.lock").touch()
        else:
            shutil.rmtree(folder / "pipelines")
    workspace = _open(project, {"split.seed": 3})
    assert _params(workspace)["split"]["seed"] == 3
    assert workspace.repository.git("status", "--porcelain").strip() == "M params.yaml"
    assert len(project.git("worktree", "list").splitlines()) == 2


def test_killed_at_any_moment_the_next_one_is_whole(project: Project) -> None:
    generator = random.Random(7)
    head = project.git("rev-parse", "HEAD")
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", _OPEN, str(project.root), head],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(generator.uniform(0, 0.25))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        workspace = _open(project, {"split.seed": 3})
        assert _params(workspace)["split"]["seed"] == 3
        assert workspace.repository.changed(".") == ["params.yaml"]
        Repository.at(project.root).remove_worktree(workspace.root)
        assert len(project.git("worktree", "list").splitlines()) == 1


def test_it_takes_up_the_models_part_of_an_earlier_lock(project: Project) -> None:
    lock = {"schema": "2.0", "stages": {"split@alpha": {"cmd": "new"}, "split@beta": {"cmd": "b"}}}
    folder = project.root / "data" / "alpha"
    (project.root / "dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    (folder / "metrics.json").write_text('{"auc": 1}\n', encoding="utf-8")
    earlier = project.commit("An earlier run")
    ours = {"schema": "2.0", "stages": {"split@alpha": {"cmd": "o"}, "train@beta": {"cmd": "t"}}}
    (project.root / "dvc.lock").write_text(yaml.safe_dump(ours), encoding="utf-8")
    (folder / "metrics.json").unlink()
    project.commit("Now")
    workspace = _open(project, earlier=earlier)
    found = yaml.safe_load((workspace.root / "dvc.lock").read_text(encoding="utf-8"))
    assert found["stages"] == {"split@alpha": {"cmd": "new"}, "train@beta": {"cmd": "t"}}
    assert workspace.paths.metrics.read_text(encoding="utf-8") == '{"auc": 1}\n'


def test_an_earlier_commit_without_a_lock_is_no_obstacle(project: Project) -> None:
    workspace = _open(project, earlier=project.git("rev-parse", "HEAD"))
    assert not (workspace.root / "dvc.lock").exists()


@pytest.mark.parametrize(
    "path", ["params.yaml", "pipelines/paths.py", SOURCE, "data/alpha/expectations.yaml"]
)
def test_what_a_retrain_depends_on_must_be_committed(project: Project, path: str) -> None:
    with (project.root / path).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    with pytest.raises(WorkspaceError) as caught:
        require_clean(Repository.at(project.root), "alpha", SOURCE)
    assert f"not committed: {path}" in str(caught.value)
    assert "--committed" in caught.value.next_step


def test_a_source_that_git_ignores_is_not_in_the_commit(project: Project) -> None:
    (project.root / ".gitignore").write_text("/sources/own.csv\n", encoding="utf-8")
    project.commit("Ignore")
    repository = Repository.at(project.root)
    require_clean(repository, "alpha", "sources/own.csv")  # ingest says that it is missing
    (project.root / "sources" / "own.csv").touch()
    with pytest.raises(WorkspaceError, match=r"sources/own\.csv"):
        require_clean(repository, "alpha", "sources/own.csv")


def test_other_changes_are_the_users_own_business(project: Project) -> None:
    (project.root / "notes.md").touch()
    (project.root / "sources" / "beta.csv").write_text("changed", encoding="utf-8")
    repository = Repository.at(project.root)
    require_clean(repository, "alpha", SOURCE)
    require_clean(repository, "alpha", "s3://bucket/rows.csv")
    require_clean(repository, "alpha", "/data/rows.csv")
