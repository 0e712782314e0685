"""Which deployments Prefect is told of: those of `deployments/prefect.yaml`, for every model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from pipelines import settings
from pipelines.errors import SettingsError

FILE = Path("deployments") / "prefect.yaml"
MODEL = "{{ $EVERGREEN_MODEL }}"


def expanded(text: str, models: Sequence[str]) -> str:
    """The file with each deployment that names a model once for every model.

    Args:
        text: of the file, YAML as `prefect deploy` reads it.
        models: their names.

    Raises:
        SettingsError: it is no such file.
    """
    try:
        content = yaml.safe_load(text)
        written = [yaml.safe_dump(each, sort_keys=False) for each in content["deployments"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise SettingsError(
            f"cannot be read as Prefect's deployments: {error}",
            where=str(FILE),
            next_step=f"restore it with `git checkout -- {FILE}`",
        ) from error
    found = [
        yaml.safe_load(one.replace(MODEL, model))
        for one in written
        for model in (models if MODEL in one else [""])
    ]
    return yaml.safe_dump({**content, "deployments": found}, sort_keys=False)


def of_project(root: Path) -> str:
    """What Prefect is told of a project.

    Raises:
        SettingsError: params.yaml or the file cannot be read.
    """
    text = (root / FILE).read_text(encoding="utf-8")
    return expanded(text, list(settings.load(root).models))
