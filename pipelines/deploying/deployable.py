"""What a deployment has to know of a bento, read from the bento itself.

Not from params.yaml: that says how the next version will be served, the bento how this one is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from pipelines.errors import PackageError
from pipelines.serving import policy, release
from pipelines.signature import MODEL_FILE, Signature

BENTO_FILE = "bento.yaml"


@dataclass(frozen=True)
class Deployable:
    """One packaged version.

    Attributes:
        model: its name in params.yaml.
        version: as it is registered, for example `v3`.
        tag: the bento's tag, `flights:v3-0123456789ab`: one tag, one content.
        labels: the hashes of release.json: `git_sha`, `data_hash`, `model_sha256` and so on.
        python: the Python that it was built and proved with, for example `3.11`.
        workers: processes that answer requests.
        timeout_seconds: the longest that one request may take.
        concurrency: requests that may be in the server at once.
        model_bytes: size of model.onnx.
    """

    model: str
    version: str
    tag: str
    labels: dict[str, str]
    python: str
    workers: int
    timeout_seconds: float
    concurrency: int
    model_bytes: int

    @property
    def name(self) -> str:
        """As people and the ledger say it: `flights@v3`."""
        return f"{self.model}@{self.version}"

    @classmethod
    def read(cls, bento: Path, model_folder: Path) -> Deployable:
        """Read it from the folder of a bento and the model folder inside.

        Raises:
            PackageError: bento.yaml is missing or is not what BentoML writes.
            ModelError: release.json, serving.json or the signature is missing or wrong.
        """
        found, served = release.read(model_folder), policy.read(model_folder)
        path = bento / BENTO_FILE
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls(
                model=Signature.read(model_folder).model,
                version=found.version,
                tag=f"{content['name']}:{content['version']}",
                labels=found.labels,
                python=str(content["image"]["python_version"]),
                workers=served.workers,
                timeout_seconds=served.timeout_seconds,
                concurrency=served.max_concurrency * served.workers,
                model_bytes=(model_folder / MODEL_FILE).stat().st_size,
            )
        except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
            raise PackageError(
                f"not the description of a bento: {error!r}",
                where=str(path),
                next_step="remove the bento, and package the version again",
            ) from error
