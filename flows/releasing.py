"""Releases on the local stack, without Prefect: what has to work when that is down."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path

from flows import routers
from pipelines.errors import RolloutError
from pipelines.observing.sources import Sources
from pipelines.releasing.logs import logs
from pipelines.releasing.people import approve
from pipelines.releasing.project import Project
from pipelines.releasing.rollback import RolledBack, rollback
from pipelines.releasing.router import Applied, Router
from pipelines.releasing.ticking import Ticked, tick
from pipelines.rollout import store
from pipelines.rollout.state import State
from pipelines.settings import load
from pipelines.stack import reconcile as stack
from pipelines.stack.reading import Stack

# Pods that pull an image, and versions that a gateway's proxies have to forget, take a while.
SETTLE_SECONDS = 180.0


@dataclass(frozen=True)
class LocalRouter:
    """The stack on this machine."""

    root: Path

    def reconcile(self) -> Applied:
        """See `Router`. What is being started is looked at again by the next tick."""
        found = stack.reconcile(self.root, wait_seconds=0)
        return Applied(found.ready, found.problems)

    def reroute(self) -> None:
        """See `Router`."""
        stack.reroute(self.root)


@dataclass(frozen=True)
class Desk:
    """One model of a project, with everything that releasing it needs."""

    project: Project
    model: str

    @classmethod
    def at(cls, root: Path, model: str) -> Desk:
        """Open the project.

        Raises:
            SettingsError: there is no such model.
            WorkspaceError: it is no git repository.
        """
        load(root).model(model)
        return cls(Project.at(root), model)

    @property
    def router(self) -> Router:
        return routers.of_cluster(self.project.root) or LocalRouter(self.project.root)

    @property
    def logs(self) -> Sources:
        return logs(self.project, self.model)

    def open_one(self, version: str | None) -> State:
        """The open rollout, or else a new one.

        Raises:
            RolloutError: `version` cannot be released, or another one is on its way, or the stack
                is down.
        """
        running = store.current(self.project.engine, self.model)
        if running is not None:
            _require_same(running.state, version)
            return running.state
        _require_stack(self.project.root)
        from pipelines.releasing.beginning import begin  # brings pandas along

        return begin(self.project, self.model, version, self.logs).state

    def has_ended(self) -> bool:
        """Whether there was a rollout, and none is open."""
        is_open = store.current(self.project.engine, self.model) is not None
        return not is_open and bool(store.listed(self.project.engine, self.model))

    def newest(self) -> State:
        """The newest rollout, open or over.

        Raises:
            RolloutError: there never was one.
        """
        found = store.latest(self.project.engine, self.model)
        if found is None:
            raise RolloutError(
                "there is none",
                where=f"rollout of {self.model}",
                next_step=f"begin one with `evergreen rollout {self.model}`",
            )
        return found.state

    def tick(self) -> Ticked:
        return tick(self.project, self.model, self.router, self.logs)

    def approve(self, percent: int) -> State:
        return approve(self.project, self.model, percent, self.router, who=getpass.getuser())

    def roll_back(self, to: str | None, reason: str) -> RolledBack:
        who = getpass.getuser()
        return rollback(self.project, self.model, self.router, to=to, who=who, why=reason)

    def settle(self) -> Applied:
        """The slow half of what was decided: servers are started and ended."""
        cluster = routers.of_cluster(self.project.root)
        if cluster is not None:
            return cluster.settle(SETTLE_SECONDS)
        found = stack.reconcile(self.project.root)
        return Applied(found.ready, found.problems)


def _require_same(state: State, version: str | None) -> None:
    challenger = state.plan.challenger
    if version is None or version.removeprefix(f"{state.plan.model}@") == challenger.split("@")[1]:
        return
    raise RolloutError(
        f"the rollout of {challenger} is {state.phase}",
        where=f"rollout of {state.plan.model}",
        next_step="wait for it to end, or end it with `evergreen rollback "
        f"{state.plan.model}`; leave the version out to go on with it",
    )


def _require_stack(root: Path) -> None:
    if routers.of_cluster(root) is not None:  # whose gateway is up without anybody here
        return
    if Stack.at(root).fleet.is_up():
        return
    raise RolloutError(
        "the local stack is down, so there is no traffic to judge a version by",
        where=str(root),
        next_step="start it with `evergreen up`",
    )
