"""Which version a packaged model folder is: release.json, written when the bento is built."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.errors import ModelError

RELEASE_FILE = "release.json"


@dataclass(frozen=True)
class Release:
    """The content of release.json, beside model.onnx in a bento.

    Attributes:
        version: as it is registered, for example `v3`.
        labels: where the model comes from; the same names as the bento's labels.
    """

    version: str
    labels: dict[str, str]

    def write(self, folder: Path) -> None:
        text = json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"
        (folder / RELEASE_FILE).write_text(text, encoding="utf-8")


def read(folder: Path) -> Release:
    """Read release.json in `folder`.

    Raises:
        ModelError: it is missing or unreadable.
    """
    path = folder / RELEASE_FILE
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return Release(version=value["version"], labels=dict(value["labels"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"not a release: {error}", where=str(path), next_step="build the bento again"
        ) from error
