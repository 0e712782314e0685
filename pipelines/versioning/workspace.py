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
from pipelines.state.runs import Run
from pipelines.versioning.git import Repository

LOCK_FILE = "dvc.lock"
_S3_SECONDS = {"connect_timeout": 5, "read_timeout": 60}


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
        """Commit what belongs to the run; returns the commit."""
        return self.repository.commit_all(message, *self._places)

    def is_committed(self, base: str) -> bool:
        """Whether the run has committed its work already, and nothing of it changed since."""
        return self.repository.head() != base and not self.repository.changed(*self._places)

    @property
    def _places(self) -> tuple[str, ...]:
        return PARAMS_FILE, LOCK_FILE, str(self.paths.folder.relative_to(self.root))


def require_clean(repository: Repository, model: str) -> None:
    """A retrain starts from a commit, so what it depends on must be committed.

    The data need not be: it is read where it is, and its fingerprint is committed with the run.

    Raises:
        WorkspaceError: code, params or the model's own files differ from HEAD; they are named.
    """
    rules = ModelPaths(repository.root, model).expectations.relative_to(repository.root)
    changed = repository.changed(
        PARAMS_FILE,
        "dvc.yaml",
        ".dvc/config",
        "pipelines",
        "flows",
        "requirements.lock",
        str(rules),
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
    project: Repository,
    home: HomePaths,
    run: Run,
    earlier: str | None,
) -> Workspace:
    """The work tree of a run: as the run left it when it was killed, or made afresh.

    Args:
        project: the repository that it belongs to.
        home: where work trees are.
        run: whose it is; its lease must be held.
        earlier: the commit of an earlier run, to take finished work from, or None.

    Raises:
        SettingsError: an override leads through something that is not a section.
        WorkspaceError: git fails.
    """
    branch = f"retrain/{run.model}/{run.id}"
    folder = home.worktrees / f"{run.model}-{run.id}"
    if _is_whole(folder):
        workspace = Workspace(Repository(folder.resolve()), run.model, branch)
        workspace.repository.drop_stale_locks(branch)
        return workspace
    # What a kill left half made is no use to anybody.
    project.remove_worktree(folder)
    workspace = Workspace(project.add_worktree(folder, branch, run.base), run.model, branch)
    if earlier is not None:
        take_up(workspace, earlier)
    override(workspace, dict(run.overrides))
    _share_cache(project.root, workspace.root)
    return workspace


def _is_whole(folder: Path) -> bool:
    # `_share_cache` comes last and its file appears at once, so it stands for all before it.
    return _local_settings(folder).is_file()


def take_up(workspace: Workspace, commit: str) -> None:
    """Take the model's lock entries and small outputs from the commit of an earlier run.

    DVC then sees at once what is still up to date. It checks every entry against the files, so
    an entry that no longer holds costs nothing but a rerun.
    """
    earlier = workspace.repository.show(commit, LOCK_FILE)
    if earlier is None:
        return
    path = workspace.root / LOCK_FILE
    if path.exists():
        _join_locks(path, earlier, workspace.model)
    else:
        write_text(earlier, path)
    for small in (workspace.paths.metrics, workspace.paths.validation_summary):
        content = workspace.repository.show(commit, str(small.relative_to(workspace.root)))
        if content is not None:
            write_text(content, small)


def _join_locks(path: Path, earlier: str, model: str) -> None:
    """Put a model's entries of an earlier lock into the lock at `path`."""
    yaml = YAML()
    ours, theirs = yaml.load(path.read_text(encoding="utf-8")), yaml.load(earlier)
    stages = dict(ours.get("stages") or {})
    for name, entry in theirs.get("stages", {}).items():
        if name.endswith(f"@{model}"):
            stages[name] = entry
    ours["stages"] = stages
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yaml.dump(ours, file)


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
    assign(content["models"][workspace.model], overrides)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def assign(section: Any, overrides: dict[str, Any]) -> None:
    """Set dotted keys below a section of params.yaml, in place.

    Raises:
        SettingsError: a key leads through something that is not a section.
    """
    for key, value in overrides.items():
        place = section
        *parents, name = key.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise SettingsError(
                    f"{parent} is not a section",
                    where=f"--set {key}",
                    next_step="name a key as section.key, for example split.holdout_days",
                )
        place[name] = value


def _share_cache(project: Path, worktree: Path) -> None:
    """Point the worktree's DVC at the project's cache and remotes.

    The settings are the worktree's own `config.local`, which git ignores. It begins as the
    project's, which may hold a person's credentials; relative addresses in it become absolute,
    because they would otherwise lead from the worktree's folder.
    """
    from configobj import ConfigObj  # type: ignore[import-untyped]
    from dvc.repo import Repo

    with Repo(str(project)) as repo:
        content: dict[str, Any] = repo.config.load_one("local")
        content.setdefault("cache", {})["dir"] = repo.cache.local_cache_dir
        remotes = content.pop("remote", {})
        for name, section in repo.config["remote"].items():
            remote = {**remotes.get(name, {}), "url": section["url"]}
            if str(section["url"]).startswith("s3://"):
                # DVC waits for ever for an S3 server that accepts and does not answer.
                remote |= {key: section.get(key, s) for key, s in _S3_SECONDS.items()}
            content[f'remote "{name}"'] = {key: str(value) for key, value in remote.items()}
    with replacing(_local_settings(worktree)) as temporary, temporary.open("wb") as file:
        ConfigObj(content).write(file)


def _local_settings(worktree: Path) -> Path:
    return worktree / ".dvc" / "config.local"
