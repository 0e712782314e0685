"""git, through its command line: it is what every user has, and it never half-writes a ref."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import WorkspaceError

_FALLBACK_IDENTITY = {"user.name": "Evergreen", "user.email": "evergreen@localhost"}
# Set by git for its hooks; they would lead every command here to another repository.
_LEADING_ASTRAY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")


@dataclass(frozen=True)
class Repository:
    """A git work tree: the project's own, or a worktree of it."""

    root: Path

    def git(self, *arguments: str) -> str:
        """Run git in the work tree and return what it prints, without the last newline.

        Raises:
            WorkspaceError: git fails; carries what it said.
        """
        return self._printed(*arguments).removesuffix("\n")

    def _printed(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode != 0:
            raise WorkspaceError(
                f"`git {' '.join(arguments)}` failed: {(done.stderr or done.stdout).strip()}",
                where=str(self.root),
                next_step="mend what git says, and run the same command again",
            )
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        return self._run(*arguments).returncode == 0

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k not in _LEADING_ASTRAY}
        # `git status` would otherwise rewrite the user's index to speed up its next call.
        environment["GIT_OPTIONAL_LOCKS"] = "0"
        return subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            text=True,
            check=False,
        )

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

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def changed(self, *places: str, also_ignored: bool = False) -> list[str]:
        """Paths below `places` that differ from HEAD or are new, relative to the root.

        Args:
            places: paths or git's own patterns for them.
            also_ignored: whether a file that git is told to ignore counts as new.
        """
        listed = self.git(
            *("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"),
            *(["--ignored=matching"] if also_ignored else []),
            *("--", *places),
        )
        # Two letters for the state, a space, the path.
        return [entry[3:] for entry in listed.split("\0") if entry]

    def show(self, commit: str, path: str) -> str | None:
        """A text file as it is in a commit, or None if it is not in there."""
        if not self.succeeds("cat-file", "-e", f"{commit}:{path}"):
            return None
        return self._printed("show", f"{commit}:{path}")

    def add_worktree(self, folder: Path, branch: str, start: str) -> Repository:
        """A private work tree on a new branch, or on the branch of that name if there is one."""
        has_branch = self.succeeds("rev-parse", "--verify", f"refs/heads/{branch}")
        new = ["--force", str(folder), branch] if has_branch else ["-b", branch, str(folder), start]
        self.git("worktree", "add", "--quiet", *new)
        return Repository(folder.resolve())

    def remove_worktree(self, folder: Path) -> None:
        """Remove a work tree of this repository, whole or half made; its branch stays."""
        # Twice --force: a `worktree add` that is killed leaves its entry locked.
        if not self.succeeds("worktree", "remove", "--force", "--force", str(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                raise WorkspaceError(
                    "a run's old work tree cannot be removed",
                    where=str(folder),
                    next_step="remove the folder, and run the same command again",
                )
            self._forget_worktree(folder)
            self.git("worktree", "prune")

    def _forget_worktree(self, folder: Path) -> None:
        """Remove what git itself keeps of a work tree that is gone.

        By hand, because git refuses to: what it writes first is a lock, and a file that it had
        opened and not written when it was killed makes every further command on work trees fail.
        """
        kept = self.root / self.git("rev-parse", "--git-common-dir") / "worktrees"
        for entry in kept.glob(f"{folder.name}*"):
            pointer, common = entry / "gitdir", entry / "commondir"
            whose = pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""
            is_whole = bool(whose) and common.is_file() and common.stat().st_size > 0
            if whose == str(folder / ".git") or not is_whole:
                shutil.rmtree(entry)

    def drop_stale_locks(self, branch: str) -> None:
        """Remove the lock files that a killed git left in this work tree and on its branch.

        Call it only where nobody else runs git: in the work tree of a run whose lease is held.
        """
        private = Path(self.git("rev-parse", "--absolute-git-dir"))
        shared = self.root / self.git("rev-parse", "--git-common-dir")
        for lock in (*private.glob("*.lock"), shared / "refs" / "heads" / f"{branch}.lock"):
            lock.unlink(missing_ok=True)

    def identity(self) -> dict[str, str]:
        """`user.name` and `user.email` as git has them, or ours where it has none."""
        return {
            key: self.git("config", key) if self.succeeds("config", key) else value
            for key, value in _FALLBACK_IDENTITY.items()
        }

    def commit_all(self, message: str, *places: str) -> str:
        """Commit what changed below `places`; returns HEAD, also when nothing had changed."""
        self.git("add", "--", *places)
        if not self.succeeds("diff", "--cached", "--quiet"):
            who = [part for pair in self.identity().items() for part in ("-c", "=".join(pair))]
            # Hooks are for people's commits; a hook that reformats would change what was judged.
            self.git(*who, "commit", "--quiet", "--no-verify", "--message", message)
        return self.head()
