"""What moves the requests of a project: chosen by `gateway.router` in params.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import load

if TYPE_CHECKING:
    from pipelines.kubernetes.router import KubernetesRouter


def of_cluster(root: Path) -> KubernetesRouter | None:
    """The router of the cluster; None for a project that runs on this machine.

    Raises:
        SettingsError: params.yaml cannot be read.
    """
    if load(root).gateway.router != "kubernetes":
        return None
    # A project without a cluster needs neither the client nor the templates.
    from pipelines.kubernetes.router import KubernetesRouter

    return KubernetesRouter(root)
