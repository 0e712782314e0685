"""The private work tree of one run.

A run never works in the user's tree: it gets a git worktree of its own that shares the DVC
cache. It starts from the user's last commit, takes up what the model's last run had finished,
and ends as one commit on `retrain/<model>/<run>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipelines.errors import SettingsError, WorkspaceError
from pipelines.files import replacing, write_text
from pipelines.paths import HomePaths, ModelPaths
from pipelines.settings import PARAMS_FILE
from pipelines.versioning.git import Repository

LOCK_FILE = "dvc.lock"


@dataclass(frozen=True)
class Workspace:
    """A run's work tree."""

    repository: Repository
    model: str
    branch: str

    @property
    def root(self) -> Path:
        return self.repository.root

    @property
    def paths(self) -> ModelPaths:
        return ModelPaths(self.root, self.model)

    def commit(self, message: str) -> str:
        return self.repository.commit_all(
            message, PARAMS_FILE, LOCK_FILE, str(self.paths.folder.relative_to(self.root))
        )


def require_clean(repository: Repository, model: str) -> None:
    """A retrain starts from a commit, so what it depends on must be committed.

    Raises:
        WorkspaceError: code, params or the model's own files differ from HEAD; they are named.
    """
    rules = ModelPaths(repository.root, model).expectations.relative_to(repository.root)
    changed = repository.changed(
        PARAMS_FILE, "dvc.yaml", "pipelines", "flows", "requirements.lock", str(rules)
    )
    if changed:
        listed = ", ".join(changed[:8]) + (" and more" if len(changed) > 8 else "")
        raise WorkspaceError(
            f"not committed: {listed}",
            where=str(repository.root),
            next_step="commit or stash them, give parameters with --set, or pass --committed to "
            "retrain from HEAD as it is",
        )


def open_workspace(
    project: Repository, home: HomePaths, model: str, run: str, base: str
) -> tuple[Workspace, bool]:
    """The work tree of a run, and whether it is new; one that a kill left is as it was left."""
    branch = f"retrain/{model}/{run}"
    folder = home.worktrees / f"{model}-{run}"
    is_new = not (folder / ".git").exists()
    tree = project.add_worktree(folder, branch, base)
    _share_cache(project.root, tree.root)
    return Workspace(tree, model, branch), is_new


def take_up(workspace: Workspace, commit: str) -> None:
    """Take the model's lock entries and small outputs from the commit of an earlier run.

    DVC then sees at once what is still up to date. It checks every entry against the files, so
    an entry that no longer holds costs nothing but a rerun.
    """
    earlier = workspace.repository.show(commit, LOCK_FILE)
    if earlier is None:
        return
    yaml = YAML()
    path = workspace.root / LOCK_FILE
    theirs = yaml.load(earlier)
    ours: dict[str, Any] = {"schema": "2.0"}
    if path.exists():
        ours = yaml.load(path.read_text(encoding="utf-8"))
    stages = dict(ours.get("stages") or {})
    for name, entry in theirs.get("stages", {}).items():
        if name.endswith(f"@{workspace.model}"):
            stages[name] = entry
    ours["stages"] = stages
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yaml.dump(ours, file)
    for small in (workspace.paths.metrics, workspace.paths.validation_summary):
        content = workspace.repository.show(commit, str(small.relative_to(workspace.root)))
        if content is not None:
            write_text(content, small)


def override(workspace: Workspace, overrides: dict[str, Any]) -> None:
    """Set keys of the model in the workspace's params.yaml, keeping comments and order.

    Args:
        workspace: the run's work tree.
        overrides: dotted keys below the model, such as {"ingest.until": "2013-05"}.

    Raises:
        SettingsError: a key leads through something that is not a section.
    """
    if not overrides:
        return
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1000
    path = workspace.root / PARAMS_FILE
    content = yaml.load(path.read_text(encoding="utf-8"))
    for key, value in overrides.items():
        section = content["models"][workspace.model]
        *parents, name = key.split(".")
        for parent in parents:
            section = section.setdefault(parent, {})
            if not isinstance(section, dict):
                raise SettingsError(
                    f"{parent} is not a section",
                    where=f"--set {key}",
                    next_step="name a key as `section.key`, for example split.holdout_days",
                )
        section[name] = value
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def _share_cache(project: Path, worktree: Path) -> None:
    """Point the worktree's DVC at the project's cache and remote.

    The settings are the worktree's own `config.local`, which git ignores; relative addresses
    would otherwise lead from the worktree's folder instead of the project's.
    """
    if project == worktree:
        return
    from dvc.repo import Repo

    with Repo(str(project)) as repo:
        cache = repo.cache.local.path
        config: Any = repo.config
        urls = {name: str(section.get("url", "")) for name, section in config["remote"].items()}
    lines = ["[cache]", f"    dir = {cache}"]
    for name, url in urls.items():
        if "://" not in url:
            lines += [f"['remote \"{name}\"']", f"    url = {url}"]
    write_text("\n".join(lines) + "\n", worktree / ".dvc" / "config.local")
