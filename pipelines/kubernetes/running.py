"""The versions that run: what should is applied, what nothing needs is removed after a while."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines import packaging
from pipelines.deploying import Deployable, Tokens
from pipelines.errors import EvergreenError
from pipelines.kubernetes import names
from pipelines.kubernetes.client import Cluster
from pipelines.kubernetes.kinds import Object
from pipelines.kubernetes.refusals import ConflictError
from pipelines.kubernetes.routing import require_ours, should_be
from pipelines.kubernetes.seeing import View, look
from pipelines.kubernetes.versions import objects, owned
from pipelines.packaging import store as bento_store
from pipelines.stack.desired import Wanted
from pipelines.stack.reading import Stack
from pipelines.state import bentos

# A gateway that has accepted a route may need seconds until all of its proxies follow it.
UNNEEDED_SECONDS = 30.0


def start(stack: Stack, cluster: Cluster, models: Iterable[Wanted], view: View) -> dict[str, str]:
    """Apply the objects of every version that should run.

    Returns:
        By version, why it could not be applied: that harms no other one.
    """
    problems: dict[str, str] = {}
    for model in models:
        tags = bentos.registered(stack.engine, model.model)
        for version in model.versions:
            try:
                _start(stack, cluster, view, version, tags.get(version))
            except EvergreenError as error:
                problems[version] = f"{error.where}: {error.problem}"
    return problems


def remove_unneeded(stack: Stack, cluster: Cluster, now: float) -> dict[str, float]:
    """Mark the versions that nothing needs, and remove those that were marked a while ago.

    A version is needed while it should run, and while any route names it. Whoever needs one again
    takes the mark away by applying it, and the removal is then refused.

    Args:
        stack: where the state is.
        cluster: where they run.
        now: unix seconds.

    Returns:
        By version that is marked, the seconds until it may be removed.

    Raises:
        ClusterError: the API refuses, or does not answer.
    """
    view = look(cluster, stack.settings.gateway.kubernetes)
    # Read after the cluster: a version that is wanted since is not removed.
    needed = {version for each in should_be(stack, view) for version in each.versions}
    waiting: dict[str, float] = {}
    for version, account in view.accounts.items():
        if version in needed | view.routed:
            continue
        left = _left(account, now)
        try:
            if left is None:
                cluster.annotate(account, {names.NEEDED: str(int(now))})
                waiting[version] = UNNEEDED_SECONDS
            elif left <= 0:
                cluster.delete(account)
            else:
                waiting[version] = left
        except ConflictError:
            # Somebody applied it a moment ago, so somebody may need it: the next call sees.
            waiting[version] = UNNEEDED_SECONDS
    return waiting


def _start(stack: Stack, cluster: Cluster, view: View, version: str, tag: str | None) -> None:
    if tag is None or not bento_store.is_whole(bento_store.place(tag, stack.home)):
        # What it consists of cannot be told here; what another machine applied runs on.
        _keep(cluster, view.accounts.get(version))
        return
    settings = stack.settings
    found = objects(
        _deployable(stack, tag), settings.gateway.kubernetes, stack.root, Tokens.of(settings)
    )
    if version not in view.accounts:
        # All of them before any is applied: afterwards the account says that they are ours.
        for each in found:
            require_ours(cluster, each)
    account: Object | None = None
    for each in found:
        applied = cluster.apply(each if account is None else owned(each, account))
        account = account or applied


def _keep(cluster: Cluster, account: Object | None) -> None:
    if account is not None and names.annotations_of(account).get(names.NEEDED) != names.YES:
        cluster.annotate(account, {names.NEEDED: names.YES})


def _deployable(stack: Stack, tag: str) -> Deployable:
    folder = packaging.bento_path(tag, stack.home)
    return Deployable.read(folder, packaging.model_folder(tag, stack.home))


def _left(account: Object, now: float) -> float | None:
    """Seconds until a marked version may be removed; None for one that is not marked."""
    since = names.annotations_of(account).get(names.NEEDED, "")
    return int(since) + UNNEEDED_SECONDS - now if since.isdigit() else None
