"""Versions: GTO tags of commits, and the model folder of a version."""

from __future__ import annotations

import logging.config
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pipelines.errors import ModelError, WorkspaceError
from pipelines.paths import HomePaths
from pipelines.signature import Signature
from pipelines.versioning import drafts
from pipelines.versioning.git import Repository

_TAG = re.compile(r"(?P<model>[a-z0-9_]+)@v(?P<number>\d+)\.0\.0")


@dataclass(frozen=True)
class Version:
    """The commit that `flights@v3` stands for.

    GTO knows semantic versions only, so the tag is `flights@v3.0.0`; people and the ledger say
    `flights@v3`.
    """

    model: str
    number: int
    commit: str

    @property
    def name(self) -> str:
        return f"{self.model}@v{self.number}"

    @property
    def tag(self) -> str:
        return f"{self.name}.0.0"


def registered(repository: Repository, model: str) -> list[Version]:
    """The versions of a model, the oldest first, from GTO's tags."""
    listed = repository.git(
        "for-each-ref", "--format=%(refname:short) %(*objectname) %(objectname)", "refs/tags"
    )
    found = []
    for line in listed.splitlines():
        tag, *commits = line.split()
        matched = _TAG.fullmatch(tag)
        if matched and matched["model"] == model:
            found.append(Version(model, int(matched["number"]), commits[0]))
    return sorted(found, key=lambda version: version.number)


def find(repository: Repository, model: str, name: str) -> Version:
    """One version of a model by "v3", "3" or "flights@v3".

    Raises:
        WorkspaceError: there is no such version; lists those there are.
    """
    wanted = name.removeprefix(f"{model}@").removeprefix("v").removesuffix(".0.0")
    versions = registered(repository, model)
    for version in versions:
        if str(version.number) == wanted:
            return version
    listed = ", ".join(version.name for version in versions) or "none yet"
    raise WorkspaceError(
        f"no version {name!r} of {model}; there are: {listed}",
        where="git tags",
        next_step="`evergreen history " + model + "` lists what was live",
    )


def register(repository: Repository, model: str, commit: str) -> Version:
    """Tag a commit as the next version of a model; a commit that is one already stays that one.

    Call it with the model's lease held: the number is the next after the highest.

    Raises:
        WorkspaceError: git cannot write the tag.
    """
    version, is_known = _numbered(repository, model, commit)
    if is_known:
        return version
    register_with_gto = _gto()
    from gto.exceptions import GTOException
    from scmrepo.exceptions import SCMError

    who = repository.identity()
    try:
        register_with_gto(
            str(repository.root),
            model,
            commit,
            version=f"v{version.number}.0.0",
            author=who["user.name"],
            author_email=who["user.email"],
        )
    except (GTOException, SCMError) as error:
        raise WorkspaceError(
            f"GTO cannot register it: {error}",
            where=version.tag,
            next_step="mend what it says, and run the same command again; the model is kept",
        ) from error
    return version


def unregister(repository: Repository, version: Version) -> None:
    """Take back the tag of a version that never came to be in full. Call it with the lease held.

    Raises:
        WorkspaceError: git cannot.
    """
    repository.git("tag", "--delete", version.tag)


def next_number(repository: Repository, model: str, commit: str) -> int:
    """The number that `register` would give a commit now."""
    return _numbered(repository, model, commit)[0].number


def _numbered(repository: Repository, model: str, commit: str) -> tuple[Version, bool]:
    """The version that a commit is or would be, and whether it is one already."""
    known = registered(repository, model)
    for version in known:
        if version.commit == commit:
            return version, True
    return Version(model, known[-1].number + 1 if known else 1, commit), False


def _gto() -> Callable[..., Any]:
    """GTO's `register`, imported without what that import does to the process.

    GTO sets up the logging of the whole process when it is imported. That would throw away the
    handlers of whoever imports it, Prefect's among them, after waiting five seconds for them.
    """
    configure = logging.config.dictConfig
    logging.config.dictConfig = lambda config: None  # noqa: ARG005
    try:
        from gto.api import register
    finally:
        logging.config.dictConfig = configure
    return cast(Callable[..., Any], register)


def model_folder(repository: Repository, home: HomePaths, version: Version) -> Path:
    """The model folder of a version, taken out of the DVC cache (or its remote) once.

    Raises:
        ModelError: neither cache nor remote has it, or its digest is wrong.
    """
    folder = home.versions(version.model) / f"v{version.number}-{version.commit[:12]}"
    if not folder.exists():
        from dvc.api import DVCFileSystem
        from dvc.exceptions import DvcException

        partial = drafts.draft(folder)
        try:
            files = DVCFileSystem(url=str(repository.root), rev=version.commit)
            files.get(f"data/{version.model}/model", str(partial), recursive=True)
        except (DvcException, OSError) as error:
            raise ModelError(
                f"its model is neither in the DVC cache nor in the remote: {error}",
                where=version.name,
                next_step="`dvc fetch` from a remote that has it, or retrain",
            ) from error
        Signature.read(partial)
        drafts.keep(partial, folder)
    Signature.read(folder)
    return folder
