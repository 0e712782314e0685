"""The `Router` of a cluster."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from pipelines.kubernetes.client import Cluster
from pipelines.kubernetes.routing import Routed, route, should_be
from pipelines.kubernetes.running import remove_unneeded, start
from pipelines.kubernetes.seeing import View, look
from pipelines.releasing.router import Applied
from pipelines.stack.reading import Stack

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class KubernetesRouter:
    """Deployments and routes of a project's versions; see `Router`.

    Attributes:
        root: the project.
    """

    root: Path

    def reconcile(self) -> Applied:
        """Apply what should run, route to what serves, remove what nothing needs.

        A version that is still starting is no error: it is not ready, and gets no request.

        Raises:
            ClusterError: the API of the cluster, or the gateway, does not take it.
            SettingsError, StateError: params.yaml or the state store cannot be read.
        """
        stack = Stack.at(self.root)
        with _cluster(stack) as cluster:
            return _reconcile(stack, cluster)[0]

    def reroute(self) -> None:
        """Apply the routes to what serves already.

        Raises:
            ClusterError, SettingsError, StateError: as `reconcile` does.
        """
        stack = Stack.at(self.root)
        with _cluster(stack) as cluster:
            route(stack, cluster)

    def settle(self, seconds: float) -> Applied:
        """Reconcile until every version that should run serves, and no other is left.

        Args:
            seconds: how long, at most.

        Raises:
            ClusterError, SettingsError, StateError: as `reconcile` does.
        """
        stack = Stack.at(self.root)
        deadline = time.monotonic() + seconds
        with _cluster(stack) as cluster:
            while True:
                applied, marked = _reconcile(stack, cluster)
                left = deadline - time.monotonic()
                if not (applied.problems or marked) or left <= 0:
                    return applied
                pause = _POLL_SECONDS if applied.problems else min(marked.values())
                time.sleep(min(max(pause, _POLL_SECONDS), left))


def _cluster(stack: Stack) -> Cluster:
    return Cluster.found(stack.settings.gateway.kubernetes.namespace)


def _reconcile(stack: Stack, cluster: Cluster) -> tuple[Applied, dict[str, float]]:
    before = look(cluster, stack.settings.gateway.kubernetes)
    refused = start(stack, cluster, should_be(stack, before), before)
    routed = route(stack, cluster)
    marked = remove_unneeded(stack, cluster, time.time())
    return _applied(routed, refused), marked


def _applied(routed: Routed, refused: dict[str, str]) -> Applied:
    problems: dict[str, str] = {}
    for model in routed.wanted:
        problems |= model.problems
        problems |= {v: why for v in model.versions if (why := _problem(routed.view, v))}
    serving = {v for each in routed.table.models for v in each.upstreams}
    ready = serving - routed.view.problems.keys()
    # What is not as it should be though it serves: an older template, for example.
    return Applied(frozenset(ready), problems | refused)


def _problem(view: View, version: str) -> str | None:
    if version not in view.deployments:
        return "it has no Deployment"
    return view.problems.get(version)
