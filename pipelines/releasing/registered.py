"""Versions that exist in full: tagged, with a run that came to its end, and with their bento."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.errors import RolloutError
from pipelines.packaging import store as bento_store
from pipelines.releasing import ids
from pipelines.releasing.project import Project
from pipelines.rollout import store
from pipelines.state import bentos, ledger
from pipelines.versioning import versions
from pipelines.versioning.versions import Version


class Registered(NamedTuple):
    """A version and the tag of the bento that it was proved with."""

    version: Version
    bento: str


def registered(project: Project, model: str) -> dict[str, Registered]:
    """All that exist in full, by name, the oldest first."""
    tags = bentos.registered(project.engine, model)
    return {
        version.name: Registered(version, tags[version.name])
        for version in versions.registered(project.repository, model)
        if version.name in tags and _is_here(project, tags[version.name])
    }


def waiting(project: Project, model: str) -> list[Registered]:
    """Those that neither were live nor had a rollout, the oldest first."""
    known = {entry.version for entry in ledger.history(project.engine, model)}
    # A schedule that begins what is newest must not begin what just went back, again and again.
    known |= {ids.challenger_of(each.id) for each in store.listed(project.engine, model)}
    return [found for name, found in registered(project, model).items() if name not in known]


def require(project: Project, model: str, name: str) -> Registered:
    """One version by "v3" or "flights@v3".

    Raises:
        WorkspaceError: there is no such version.
        RolloutError: it exists in part only; says what is missing.
    """
    version = versions.find(project.repository, model, name)
    tag = bentos.registered(project.engine, model).get(version.name)
    if tag is None:
        raise RolloutError(
            "it is tagged, but no run that came to its end registered a bento for it",
            where=version.name,
            next_step=f"run `evergreen retrain {model}` again: it takes up what was killed",
        )
    if not _is_here(project, tag):
        raise RolloutError(
            f"its bento {tag} is not on this machine",
            where=version.name,
            next_step=f"copy {bento_store.place(tag, project.home)} from the machine that built it",
        )
    return Registered(version, tag)


def _is_here(project: Project, tag: str) -> bool:
    return bento_store.is_whole(bento_store.place(tag, project.home))
