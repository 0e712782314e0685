"""Fill the templates of deployments/kubernetes for a version; equal values give equal text."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.deploying import names
from pipelines.deploying.deployable import Deployable
from pipelines.deploying.image import default_image, pinned
from pipelines.errors import DeployError
from pipelines.settings import Settings

TEMPLATES = Path("deployments") / "kubernetes"
RESIDENT = (
    "service-account",
    "deployment",
    "service",
    "autoscaler",
    "disruption-budget",
    "network-policy",
)
SERVERLESS = ("service-account", "knative-service")
# Must be what deployments/docker/Dockerfile says; a test holds the two together.
USER = 10001
STATE_FOLDER = "/var/lib/evergreen"
JWKS_FOLDER = "/etc/evergreen/jwks"
LOG_KEY_FOLDER = "/etc/evergreen/log-key"
# What the endpoints of a Service may take to forget a pod that ends.
PRE_STOP_SECONDS = 10
# From the end of the last request until all processes of the server are gone.
ENDING_SECONDS = 15
# As Knative is installed: it lets no request run longer, nor more of them into one pod.
KNATIVE_SECONDS = 600
KNATIVE_CONCURRENCY = 1000
_MEBI = 2**20


@dataclass(frozen=True)
class Tokens:
    """Whose tokens the servers take.

    Attributes:
        config_map: holds the public keys, as `jwks.json`.
        issuer, audience: what a token has to say.
    """

    config_map: str
    issuer: str
    audience: str

    @classmethod
    def of(cls, settings: Settings) -> Tokens | None:
        """Those of params.yaml; None where it names no keys, so that the servers ask nobody."""
        config_map, identity = settings.gateway.kubernetes.jwks_config_map, settings.identity
        return None if config_map is None else cls(config_map, identity.issuer, identity.audience)


@dataclass(frozen=True)
class Placement:
    """What the version itself does not say.

    Attributes:
        image: a pinned image reference; None for `default_image`.
        name: of all objects; None for the model's. Another name stands beside it.
        is_serverless: one Knative Service that scales to zero, instead of a Deployment.
        log_claim: a PersistentVolumeClaim for the prediction log; None keeps it as long as the
            pod lives.
        tokens: those that the servers ask for; None asks nobody.
        log_key_secret: the Secret with the key that identifiers are hashed with, as
            `prediction-log.key`; needed where `serve.log.identifiers` names some.
    """

    image: str | None = None
    name: str | None = None
    is_serverless: bool = False
    log_claim: str | None = None
    tokens: Tokens | None = None
    log_key_secret: str | None = None


def render(version: Deployable, placement: Placement, templates: Path) -> str:
    """The manifests of a version as one YAML stream.

    Args:
        version: what runs.
        placement: where and as what.
        templates: the folder deployments/kubernetes.

    Raises:
        DeployError: the image is not pinned, the name is none for Kubernetes, or the version is
            none for Knative.
        jinja2.TemplateNotFound: the folder holds no such templates.
    """
    if placement.is_serverless and version.timeout_seconds > KNATIVE_SECONDS:
        raise DeployError(
            f"a request may take {version.timeout_seconds:g} s, and Knative ends it after "
            f"{KNATIVE_SECONDS}",
            where=f"{version.name}: serve.timeout_seconds",
            next_step="lower it and make a new version, or deploy without --serverless",
        )
    values = _values(version, placement)
    environment = _environment(templates)
    kinds = SERVERLESS if placement.is_serverless else RESIDENT
    parts = [environment.get_template(f"{kind}.yaml.j2").render(values) for kind in kinds]
    return "---\n".join(part.strip("\n") + "\n" for part in parts)


def memory_mebibytes(version: Deployable) -> int:
    """Memory for one pod, to the next 64 MiB.

    A worker takes 105 to 145 MB with a small graph, the process that watches over them about as
    much, and a graph is in memory up to three times while it is loaded. On top come a body of
    megabytes and 64 MB of answers that wait to be logged (`predictions.queue`).
    """
    graph = 3 * version.model_bytes / _MEBI
    return 64 * math.ceil((192 + version.workers * (256 + graph)) / 64)


def grace_seconds(version: Deployable) -> int:
    """How long a pod may take to end: longer than the longest request, or that one is cut off."""
    return PRE_STOP_SECONDS + math.ceil(version.timeout_seconds) + ENDING_SECONDS


def _values(version: Deployable, placement: Placement) -> dict[str, Any]:
    name = names.object_name(version.model) if placement.name is None else placement.name
    return {
        "version": version,
        "name": names.checked(name),
        "model_name": names.object_name(version.model),
        "image": pinned(placement.image or default_image(version)),
        "log_claim": placement.log_claim and names.checked(placement.log_claim),
        "tokens": placement.tokens,
        "jwks_folder": JWKS_FOLDER,
        "log_key_secret": placement.log_key_secret,
        "log_key_folder": LOG_KEY_FOLDER,
        "annotations": {
            "evergreen/version": version.name,
            "evergreen/bento": version.tag,
            **{
                f"evergreen/{key.replace('_', '-')}": value
                for key, value in sorted(version.labels.items())
                if key != "version"
            },
        },
        "memory": f"{memory_mebibytes(version)}Mi",
        "cpu": str(version.workers),
        "concurrency": min(version.concurrency, KNATIVE_CONCURRENCY),
        "timeout_seconds": math.ceil(version.timeout_seconds),
        "grace_seconds": grace_seconds(version),
        "pre_stop_seconds": PRE_STOP_SECONDS,
        "user": USER,
        "state_folder": STATE_FOLDER,
    }


def _environment(templates: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader(templates),
        # Escaping is on for `finalize` to tell a value from the text of a macro.
        autoescape=True,
        finalize=_as_yaml,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _as_yaml(value: Any) -> Any:
    """Every value as JSON, which YAML reads as that value: `1e3`, `no` and `a: b` stay strings."""
    if isinstance(value, Markup):  # the lines of a macro, after which the template goes on
        return value.rstrip("\n")
    return Markup(json.dumps(value))  # noqa: S704
