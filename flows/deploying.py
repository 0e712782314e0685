"""`evergreen manifest`: find the bento of a version, and say how it is run elsewhere."""

from __future__ import annotations

from pathlib import Path

import yaml

from flows.serving import promoted_bento
from pipelines import packaging, settings
from pipelines.deploying import (
    Deployable,
    Placement,
    Tokens,
    build_command,
    default_image,
    pinned,
    render,
)
from pipelines.deploying.manifests import TEMPLATES
from pipelines.errors import DeployError
from pipelines.files import write_text
from pipelines.lineage import REQUIREMENTS_LOCK
from pipelines.paths import home
from pipelines.signature import digest


def placed(
    root: Path,
    image: str | None,
    name: str | None,
    log_claim: str | None,
    *,
    is_serverless: bool,
) -> Placement:
    """Where and as what a version runs: what was asked for, and what params.yaml says of a cluster.

    Raises:
        SettingsError: params.yaml cannot be read.
    """
    known = settings.load(root)
    secret = known.gateway.kubernetes.log_key_secret
    return Placement(image, name, is_serverless, log_claim, Tokens.of(known), secret)


def manifest(root: Path, name: str, placement: Placement) -> str:
    """The manifests of a version as YAML.

    Raises:
        EvergreenError: there is no such version, its bento is not on this machine, or the image
            or a name cannot be used.
    """
    version, _ = _packaged(root, name)
    return render(version, placement, root / TEMPLATES)


def how_to_build(root: Path, name: str, image: str | None) -> list[str]:
    """The `docker build` of a version's image, one argument each.

    Raises:
        EvergreenError: as `manifest`, or the project here is not as the version was made with.
    """
    version, bento = _packaged(root, name)
    if digest(root / REQUIREMENTS_LOCK) != version.labels["lock_hash"]:
        raise DeployError(
            f"not the lock that {version.name} was proved with",
            where=str(root / REQUIREMENTS_LOCK),
            next_step=f"git worktree add FOLDER {version.labels['git_sha']}, and run this in "
            f"FOLDER with EVERGREEN_HOME={home(root).home}",
        )
    chosen = default_image(version) if image is None else pinned(image)
    return build_command(version, chosen, bento, root)


def write(text: str, folder: Path) -> Path:
    """Write manifests into a folder that exists, as NAME.yaml, whole or not at all.

    Raises:
        DeployError: there is no such folder.
    """
    if not folder.is_dir():
        # Made silently, a mistyped folder would be a deployment that never arrives.
        raise DeployError("no such folder", where=str(folder), next_step=f"mkdir -p {folder}")
    path = folder / f"{next(iter(yaml.safe_load_all(text)))['metadata']['name']}.yaml"
    write_text(text, path)
    return path


def _packaged(root: Path, name: str) -> tuple[Deployable, Path]:
    _, tag = promoted_bento(root, name)
    places = home(root)
    bento = packaging.bento_path(tag, places)
    return Deployable.read(bento, packaging.model_folder(tag, places)), bento
