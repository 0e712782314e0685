"""git, through its command line: it is what every user has, and it never half-writes a ref."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import WorkspaceError

_FALLBACK_IDENTITY = {"user.name": "Evergreen", "user.email": "evergreen@localhost"}


@dataclass(frozen=True)
class Repository:
    """A git work tree: the project's own, or a worktree of it."""

    root: Path

    def git(self, *arguments: str) -> str:
        """Run git in the work tree and return what it prints.

        Raises:
            WorkspaceError: git fails; carries what it said.
        """
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise WorkspaceError(
                f"`git {' '.join(arguments)}` failed: {(done.stderr or done.stdout).strip()}",
                where=str(self.root),
                next_step="mend what git says, and run the same command again",
            )
        return done.stdout.strip()

    @classmethod
    def at(cls, root: Path) -> Repository:
        """The repository whose top folder is `root`.

        Raises:
            WorkspaceError: there is none, or it has no commit yet.
        """
        repository = cls(root.resolve())
        try:
            top = repository.git("rev-parse", "--show-toplevel")
        except FileNotFoundError:
            raise WorkspaceError(
                "git is not installed", where="PATH", next_step="install git"
            ) from None
        except WorkspaceError:
            top = ""
        if not top or Path(top).resolve() != repository.root:
            raise WorkspaceError(
                "not the top folder of a git repository",
                where=str(repository.root),
                next_step="run in the root of a clone of the project, or `git init` and commit",
            )
        if not repository.succeeds("rev-parse", "--verify", "HEAD"):
            raise WorkspaceError(
                "the repository has no commit yet",
                where=str(repository.root),
                next_step="commit the project first; a retrain starts from a commit",
            )
        return repository

    def succeeds(self, *arguments: str) -> bool:
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def changed(self, *places: str) -> list[str]:
        """Paths below `places` that differ from HEAD or are new, relative to the root."""
        listed = self.git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *places)
        entries = [entry for entry in listed.split("\0") if entry]
        return [entry[3:] if len(entry) > 3 and entry[2] == " " else entry for entry in entries]

    def show(self, commit: str, path: str) -> str | None:
        """A file as it is in a commit, or None if it is not in there."""
        if not self.succeeds("cat-file", "-e", f"{commit}:{path}"):
            return None
        return self.git("show", f"{commit}:{path}") + "\n"

    def add_worktree(self, folder: Path, branch: str, start: str) -> Repository:
        """A private work tree on a new branch; if it is there already, as it was left."""
        if not (folder / ".git").exists():
            self.git("worktree", "prune")
            has_branch = self.succeeds("rev-parse", "--verify", f"refs/heads/{branch}")
            new = (
                ["--force", str(folder), branch]
                if has_branch
                else ["-b", branch, str(folder), start]
            )
            self.git("worktree", "add", "--quiet", *new)
        return Repository(folder.resolve())

    def remove_worktree(self, folder: Path) -> None:
        if folder.exists():
            self.git("worktree", "remove", "--force", str(folder))
        self.git("worktree", "prune")

    def commit_all(self, message: str, *places: str) -> str:
        """Commit what changed below `places`; returns HEAD, also when nothing had changed."""
        self.git("add", "--", *places)
        if not self.succeeds("diff", "--cached", "--quiet"):
            identity = [
                part
                for key, value in _FALLBACK_IDENTITY.items()
                if not self.succeeds("config", key)
                for part in ("-c", f"{key}={value}")
            ]
            # Hooks are for people's commits; a hook that reformats would change what was judged.
            self.git(*identity, "commit", "--quiet", "--no-verify", "--message", message)
        return self.head()
