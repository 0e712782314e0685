"""Labels from a file, for the model that was asked."""

from __future__ import annotations

from pathlib import Path

from flows.status import live_version
from pipelines.labelling import LabellingResult, label_file
from pipelines.paths import home
from pipelines.signature import Signature
from pipelines.versioning import versions
from pipelines.versioning.git import Repository


def tell(root: Path, name: str, file: Path) -> LabellingResult:
    """Keep the labels in `file`, which must suit the live version of a model or the one named.

    Raises:
        EvergreenError: there is no such version, or the file cannot be used; nothing of it is
            kept then.
    """
    version = live_version(root, name)
    folder = versions.model_folder(Repository.at(root), home(root), version)
    schema = Signature.read(folder).schema
    return label_file(file, home(root).feedback(version.model), schema)
