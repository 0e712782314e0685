from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipelines.errors import WorkspaceError
from pipelines.versioning.git import Repository
from tests.throwaway import Project


def test_a_folder_outside_git_is_refused_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="not the top folder") as caught:
        Repository.at(tmp_path)
    assert "git init" in caught.value.next_step


def test_a_folder_inside_a_repository_is_not_the_project(project: Project) -> None:
    with pytest.raises(WorkspaceError, match="not the top folder"):
        Repository.at(project.root / "pipelines")


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    with pytest.raises(WorkspaceError, match="no commit yet"):
        Repository.at(tmp_path)


def test_a_machine_without_git_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkspaceError, match="git is not installed"):
        Repository.at(project.root)


def test_a_detached_head_is_a_commit_like_any_other(project: Project) -> None:
    project.git("checkout", "--quiet", "--detach")
    assert Repository.at(project.root).head() == project.git("rev-parse", "HEAD")


def test_the_repository_of_a_hook_does_not_lead_astray(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = project.git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other-index"))
    assert Repository.at(project.root).head() == head


def test_every_kind_of_change_is_named(project: Project, repository: Repository) -> None:
    (project.root / "params.yaml").write_text("models: {}", encoding="utf-8")
    (project.root / "flows" / "a new file.py").touch()
    (project.root / "pipelines" / "paths.py").rename(project.root / "pipelines" / "moved.py")
    project.git("add", "pipelines")
    found = repository.changed("params.yaml", "flows", "pipelines")
    assert sorted(found) == [
        "flows/a new file.py",
        "params.yaml",
        "pipelines/moved.py",
        "pipelines/paths.py",
    ]


def test_looking_does_not_touch_the_index(project: Project, repository: Repository) -> None:
    index = project.root / ".git" / "index"
    (project.root / "params.yaml").touch()
    before = index.read_bytes(), index.stat().st_mtime_ns
    repository.changed("params.yaml")
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


def test_a_file_is_shown_byte_for_byte(project: Project, repository: Repository) -> None:
    text = "\n  indented\n\n\n"
    (project.root / "odd.txt").write_text(text, encoding="utf-8")
    commit = project.commit("Add an odd file")
    assert repository.show(commit, "odd.txt") == text
    assert repository.show(commit, "none.txt") is None


def test_a_commit_needs_no_identity_and_runs_no_hook(
    project: Project, repository: Repository
) -> None:
    project.git("config", "--unset", "user.name")
    project.git("config", "--unset", "user.email")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    before = repository.head()
    assert repository.commit_all("Nothing", "params.yaml") == before
    (project.root / "params.yaml").write_text("models: {}\n", encoding="utf-8")
    commit = repository.commit_all("Change", "params.yaml")
    assert commit != before
    assert project.git("log", "-1", "--format=%an <%ae>") == "Evergreen <evergreen@localhost>"


def test_what_git_says_is_passed_on(repository: Repository) -> None:
    with pytest.raises(WorkspaceError, match="not-a-branch"):
        repository.git("checkout", "not-a-branch")


@pytest.mark.parametrize(
    "left", ["empty commondir", "no gitdir", "empty gitdir", "whole and locked"]
)
def test_what_a_killed_git_leaves_of_a_work_tree_is_removed(project: Project, left: str) -> None:
    repository = Repository.at(project.root)
    folder, head = project.root / ".evergreen" / "worktrees" / "alpha-r1", repository.head()
    repository.add_worktree(folder, "retrain/alpha/r1", head)
    entry = project.root / ".git" / "worktrees" / "alpha-r1"
    (entry / "locked").write_text("initializing", encoding="utf-8")
    if left == "empty commondir":
        (entry / "commondir").write_bytes(b"")
    elif left == "no gitdir":
        (entry / "gitdir").unlink()
    elif left == "empty gitdir":
        (entry / "gitdir").write_bytes(b"")
    repository.remove_worktree(folder)
    assert not folder.exists()
    assert not entry.exists()
    again = repository.add_worktree(folder, "retrain/alpha/r1", head)
    assert again.head() == head


def test_the_work_tree_of_another_run_stays(project: Project) -> None:
    repository = Repository.at(project.root)
    trees = project.root / ".evergreen" / "worktrees"
    repository.add_worktree(trees / "alpha-r1", "retrain/alpha/r1", repository.head())
    other = repository.add_worktree(trees / "alpha-r12", "retrain/alpha/r12", repository.head())
    (project.root / ".git" / "worktrees" / "alpha-r1" / "commondir").write_bytes(b"")
    repository.remove_worktree(trees / "alpha-r1")
    assert other.head() == repository.head()
    assert len(project.git("worktree", "list").splitlines()) == 2
