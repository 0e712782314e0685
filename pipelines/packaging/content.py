"""What goes into a bento: a folder whose digest is the bento's identity."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import msgspec
import yaml

import pipelines
from pipelines.errors import PackageError
from pipelines.packaging.golden import carried
from pipelines.serving.policy import ServingPolicy
from pipelines.serving.release import Release
from pipelines.serving.served import ServedModel
from pipelines.settings import ServeSettings
from pipelines.signature import MODEL_FILE, SIGNATURE_FILE, Signature, digest

SERVICE = "pipelines.serving.entry:Evergreen"
MODEL_FOLDER = "model"
BENTOFILE = "bentofile.yaml"
# Everything that serving imports of ours; a test imports the service from these alone.
SOURCES = (
    "__init__.py",
    "errors.py",
    "jwks.py",
    "schema.py",
    "signature.py",
    "inference/__init__.py",
    "inference/categories.py",
    "inference/cells.py",
    "inference/coded.py",
    "inference/encode.py",
    "inference/numbers.py",
    "inference/session.py",
    "predictions/*.py",
    "serving/**/*.py",
)
# Everything that these files import of others.
REQUIREMENTS = (
    "bentoml",
    "grpcio",
    "grpcio-health-checking",
    "grpcio-reflection",
    "httptools",
    "joserfc",
    "msgspec",
    "numpy",
    "onnxruntime",
    "prometheus-client",
    "protobuf",
    "pyarrow",
    "starlette",
    "uvloop",
)
ENVIRONMENT = {
    "BENTOML_DO_NOT_TRACK": "True",
    "OMP_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}
_VERSION = re.compile(r"v[1-9][0-9]*")


@dataclass(frozen=True)
class Labels:
    """Where a model comes from.

    Attributes:
        git_sha: the commit of the code.
        data_hash: DVC's hash of the data that it was trained on.
        params_hash: the digest of its parameters.
        lock_hash: the digest of requirements.lock.
    """

    git_sha: str
    data_hash: str
    params_hash: str
    lock_hash: str


def lay_out(
    context: Path, artifact: Path, labels: Labels, version: str, policy: ServingPolicy
) -> str:
    """Fill the folder `context` with all that a bento is built from, and name the bento.

    Returns:
        The tag, `MODEL:VERSION-DIGEST`. The digest covers every byte laid out here (graph,
        signature, service code, pinned requirements, labels), so one tag is one content.

    Raises:
        ModelError: `artifact` is not a model folder, its digest is wrong, or the policy speaks of
            columns that the model does not have.
        PackageError: a label is empty, the version is not `v` and a number, a package that
            serving needs is not installed, or there are no golden rows.
    """
    signature = Signature.read(artifact)
    _check(labels, version)
    copy_sources(context)
    folder = context / MODEL_FOLDER
    folder.mkdir()
    for name in (MODEL_FILE, SIGNATURE_FILE):
        shutil.copyfile(artifact / name, folder / name)
    all_labels = {**asdict(labels), "model_sha256": signature.sha256, "version": version}
    Release(version, all_labels).write(folder)
    policy.write(folder)
    carried(artifact, ServedModel.open(folder)).write(folder)
    return finish(context, signature.model, version, all_labels)


def copy_sources(context: Path) -> None:
    """Put all of our code that a server imports into the folder `context`."""
    root = Path(pipelines.__file__).parent
    for pattern in SOURCES:
        for source in sorted(root.glob(pattern)):
            target = context / "pipelines" / source.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def finish(context: Path, name: str, version: str, labels: dict[str, str]) -> str:
    """Write what BentoML builds by, once all else lies in `context`; returns the tag."""
    _write_bentofile(context, name, labels)
    return f"{name}:{version}-{_digest_of_folder(context)[:12]}"


def policy_of(settings: ServeSettings) -> ServingPolicy:
    """The settings of a model as its server reads them."""
    return msgspec.convert(settings.model_dump(), ServingPolicy)


def requirements() -> list[str]:
    """The packages that serving imports, pinned to the versions installed here."""
    pins = []
    for name in REQUIREMENTS:
        try:
            pins.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            raise PackageError(
                "serving needs this package, and it is not installed",
                where=name,
                next_step="install the project's requirements.lock",
            ) from None
    return pins


def _check(labels: Labels, version: str) -> None:
    if not _VERSION.fullmatch(version):
        raise PackageError(
            "a version is `v` and a number", where=repr(version), next_step="use v1, v2, ..."
        )
    for name, value in asdict(labels).items():
        if not value:
            raise PackageError(
                "the label is empty, so nobody could tell where the model comes from",
                where=f"labels.{name}",
                next_step="package a model from a commit with a dvc.lock",
            )


def _write_bentofile(context: Path, model: str, labels: dict[str, str]) -> None:
    content = {
        "service": SERVICE,
        "name": model,
        "description": f"{model} {labels['version']}, packaged by Evergreen.",
        "labels": labels,
        "include": ["pipelines/**/*.py", f"{MODEL_FOLDER}/**/*"],
        # Locking would ask a package index; the pins are exact already.
        "python": {"packages": requirements(), "lock_packages": False},
        "envs": [{"name": name, "value": value} for name, value in ENVIRONMENT.items()],
    }
    text = yaml.safe_dump(content, sort_keys=True)
    (context / BENTOFILE).write_text(text, encoding="utf-8")


def _digest_of_folder(folder: Path) -> str:
    lines = [
        f"{digest(path)}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
