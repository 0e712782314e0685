"""From a bento to the objects of its version. Pure but for reading the templates."""

from __future__ import annotations

from pathlib import Path

import yaml

from pipelines.deploying import Deployable, Placement, Tokens, render
from pipelines.deploying.manifests import TEMPLATES
from pipelines.deploying.names import object_name
from pipelines.kubernetes import names
from pipelines.kubernetes.kinds import ACCOUNT, Object
from pipelines.settings.kubernetes import KubernetesSettings


def image(version: Deployable, registry: str) -> str:
    """The image of a version: its tag is that of the bento, which is its content."""
    return f"{registry}/{object_name(version.model)}:{version.tag.partition(':')[2]}"


def objects(
    version: Deployable, settings: KubernetesSettings, root: Path, tokens: Tokens | None = None
) -> list[Object]:
    """Everything that a version needs to run beside the others, its service account first.

    Args:
        version: what its bento says.
        settings: where its image is.
        root: the project, whose templates are filled.
        tokens: those that its servers ask for; None asks nobody.

    Raises:
        DeployError: the image or the name is none for Kubernetes.
    """
    placement = Placement(
        image(version, settings.registry),
        names.of_version(version.name),
        tokens=tokens,
        log_key_secret=settings.log_key_secret,
    )
    text = render(version, placement, root / TEMPLATES)
    found: list[Object] = list(yaml.safe_load_all(text))
    for each in found:
        metadata = each["metadata"]
        metadata["labels"][names.CONTROLLED] = "true"
        metadata.setdefault("annotations", {})[names.VERSION] = version.name
        if each["kind"] == ACCOUNT.name:
            metadata["annotations"][names.NEEDED] = names.YES
    return sorted(found, key=lambda each: each["kind"] != ACCOUNT.name)


def owned(wanted: Object, account: Object) -> Object:
    """An object that goes when the service account of its version goes.

    Of all that a version consists of, the service account is what the cluster itself never
    changes: it can be removed on the condition that nobody needed the version meanwhile.
    """
    owner = {
        "apiVersion": ACCOUNT.api,
        "kind": ACCOUNT.name,
        "name": account["metadata"]["name"],
        "uid": account["metadata"]["uid"],
    }
    return {**wanted, "metadata": {**wanted["metadata"], "ownerReferences": [owner]}}
