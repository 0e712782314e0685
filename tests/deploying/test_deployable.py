"""What is read of a bento, and a bento of which it cannot be read."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.deploying import Deployable
from pipelines.errors import ModelError, PackageError
from pipelines.packaging import bento_path, model_folder
from pipelines.signature import MODEL_FILE, Signature
from tests.packaged import LABELS, Packaged


@pytest.fixture
def bento(packaged: Packaged, tmp_path: Path) -> Path:
    return shutil.copytree(bento_path(packaged.tag, packaged.home), tmp_path / "bento")


def read(bento: Path) -> Deployable:
    return Deployable.read(bento, bento / "src" / "model")


def change(bento: Path, **service: Any) -> None:
    path = bento / "bento.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["services"][0]["config"] |= service
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def test_a_bento_says_what_it_is(version: Deployable, packaged: Packaged) -> None:
    graph = model_folder(packaged.tag, packaged.home) / MODEL_FILE

    assert (version.name, version.tag) == ("flights@v3", packaged.tag)
    assert version.labels["git_sha"] == LABELS.git_sha
    assert version.labels["model_sha256"] == Signature.read(packaged.artifact).sha256
    assert version.model_bytes == graph.stat().st_size
    assert version.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert version.workers >= 1


def test_how_it_is_served_is_the_bentos_to_say(bento: Path) -> None:
    change(bento, workers=3, traffic={"timeout": 2.5, "max_concurrency": 12})
    seen = read(bento)

    assert (seen.workers, seen.timeout_seconds, seen.concurrency) == (3, 2.5, 12)


def test_what_a_bento_leaves_out_is_as_bentoml_has_it(bento: Path) -> None:
    change(bento, workers=None, traffic=None)
    seen = read(bento)

    assert (seen.workers, seen.timeout_seconds) == (1, 60.0)


def test_workers_without_a_number_cannot_be_sized(bento: Path) -> None:
    change(bento, workers="cpu_count")

    with pytest.raises(PackageError, match="cpu_count"):
        read(bento)


@pytest.mark.parametrize("content", ["", "services: []", "[", "name: flights", "\x00"])
def test_what_is_no_bento_is_refused(bento: Path, content: str) -> None:
    (bento / "bento.yaml").write_text(content, encoding="utf-8")

    with pytest.raises(PackageError, match=r"bento\.yaml: not the description of a bento"):
        read(bento)


def test_a_bento_without_its_release_is_refused(bento: Path) -> None:
    (bento / "src" / "model" / "release.json").unlink()

    with pytest.raises(ModelError, match="not a release"):
        read(bento)
