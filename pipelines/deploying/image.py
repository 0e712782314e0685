"""The image of a version: what it is called, and the command that builds it."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.deploying.deployable import Deployable
from pipelines.deploying.names import object_name
from pipelines.errors import DeployError

DOCKERFILE = Path("deployments") / "docker" / "Dockerfile"
# The grammar of an image reference: [host[:port]/]path[:tag][@digest].
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def default_image(version: Deployable) -> str:
    """What an image is called that nobody named: after the bento, whose tag is its content."""
    return f"evergreen/{object_name(version.model)}:{version.tag.partition(':')[2]}"


def pinned(image: str) -> str:
    """The reference, if it names one image and goes on to name that one.

    Without a tag it means `latest`, which is whatever was pushed last: a pod that is started anew
    would serve another model under the annotations of this one, and a rollback would roll back
    to nothing.

    Raises:
        DeployError: it is not an image reference, or it names no fixed version.
    """
    found = _REFERENCE.fullmatch(image)
    if found is None:
        raise DeployError(
            f"not an image reference: {image!r}",
            where="--image",
            next_step="write it as REGISTRY/NAME:TAG, in lower case",
        )
    if found["digest"] is None and found["tag"] in {None, "latest"}:
        raise DeployError(
            f"{image!r} is whatever was pushed last, so a pod that starts anew may serve "
            "another model",
            where="--image",
            next_step="name a version, as REGISTRY/NAME:v3, or a digest, as NAME@sha256:...",
        )
    return image


def build_command(version: Deployable, image: str, bento: Path, project: Path) -> list[str]:
    """The `docker build` of a version, one argument each.

    Args:
        version: what is built.
        image: the reference that it gets.
        bento: the folder of the bento, which is the build context.
        project: a checkout of the version's commit; the build refuses another requirements.lock.
    """
    arguments = {
        "PYTHON": f"python:{version.python}-slim-bookworm",
        "TITLE": version.model,
        "VERSION": version.version,
        "REVISION": version.labels["git_sha"],
        "MODEL_SHA256": version.labels["model_sha256"],
        "LOCK_SHA256": version.labels["lock_hash"],
    }
    command = ["docker", "build", "--file", str(project / DOCKERFILE)]
    command += ["--build-context", f"project={project}"]
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    return [*command, "--tag", image, str(bento)]
