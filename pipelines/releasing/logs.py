"""Which logs a model's rollout is judged by."""

from __future__ import annotations

from pipelines import settings
from pipelines.observing.gateway_log import GatewayLog
from pipelines.observing.sources import Sources
from pipelines.releasing.project import Project
from pipelines.signature import Signature
from pipelines.versioning import versions


def logs(project: Project, model: str) -> Sources:
    """The logs of gateway, servers and labels, read by the schema of what is live.

    Raises:
        SettingsError: there is no such model.
        RolloutError: nothing of it is live.
        ModelError: the live version's model folder is neither here nor in the remote.
    """
    chosen = settings.load(project.root)
    chosen.model(model)
    version = versions.find(project.repository, model, project.live(model).version)
    folder = versions.model_folder(project.repository, project.home, version)
    return Sources(
        GatewayLog(project.home.gateway, model),
        project.home.predictions(model),
        project.home.feedback(model),
        Signature.read(folder).schema,
        chosen.gateway.timeout_seconds,
    )
