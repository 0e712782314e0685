"""The local store of bentos, in BentoML's own layout: `bentos/NAME/VERSION`.

A bento gets here by one rename, when it is whole, and with a manifest of its files. A folder
without a manifest is what a kill or a stray copy left behind; a file that is not as its manifest
says was changed afterwards.
"""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.errors import PackageError
from pipelines.packaging.content import MODEL_FOLDER
from pipelines.paths import HomePaths
from pipelines.signature import digest

MANIFEST = "evergreen-manifest.json"
SOURCE_FOLDER = "src"  # BentoML's name for it


def place(tag: str, home: HomePaths) -> Path:
    """Where the bento of this tag is or would be."""
    name, colon, version = tag.partition(":")
    if not (name and colon and version) or "/" in tag or ".." in tag:
        raise PackageError("not a bento tag", where=repr(tag), next_step="use MODEL:VERSION-DIGEST")
    return home.bentoml / "bentos" / name / version


def bento_path(tag: str, home: HomePaths) -> Path:
    """The folder of a bento that is whole and unchanged.

    Raises:
        PackageError: there is no such bento, it is half built, or a file of it was changed.
    """
    folder = place(tag, home)
    if not is_whole(folder):
        name = folder.parent.name
        known = ", ".join(tags(name, home)) or "none"
        raise PackageError(
            f"no such bento here; of {name} there are: {known}",
            where=tag,
            next_step=f"package the version again (`evergreen retrain {name}`)",
        )
    check_manifest(folder)
    return folder


def model_folder(tag: str, home: HomePaths) -> Path:
    """The model folder inside a bento: model.onnx, signature.json, release.json."""
    return bento_path(tag, home) / SOURCE_FOLDER / MODEL_FOLDER


def tags(model: str, home: HomePaths, version: str | None = None) -> list[str]:
    """The bentos of a model that are whole, of one version or of all, in the order of names."""
    prefix = "" if version is None else f"{version}-"
    folders = (home.bentoml / "bentos" / model).glob(f"{prefix}*")
    return sorted(f"{model}:{folder.name}" for folder in folders if is_whole(folder))


def is_whole(folder: Path) -> bool:
    """Whether the folder holds a bento that was built to its end."""
    return (folder / MANIFEST).is_file()


def write_manifest(folder: Path) -> None:
    """Record the digest of every file of a bento."""
    files = {
        path.relative_to(folder).as_posix(): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps(files, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def check_manifest(folder: Path) -> None:
    """Hold every file of a bento to its manifest.

    Raises:
        PackageError: a file is missing or another than the one that was built.
    """
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        wrong = [name for name, seen in files.items() if digest(folder / name) != seen]
    except (OSError, ValueError) as error:
        raise _changed(folder, str(error)) from error
    if wrong:
        raise _changed(folder, f"changed since it was built: {', '.join(wrong)}")


def _changed(folder: Path, problem: str) -> PackageError:
    return PackageError(
        problem,
        where=str(folder),
        next_step="find out who changed it, then remove the folder and build it again",
    )
