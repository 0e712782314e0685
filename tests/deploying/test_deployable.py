"""What is read of a bento, and a bento of which it cannot be read."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from pipelines.deploying import Deployable
from pipelines.errors import ModelError, PackageError
from pipelines.packaging import bento_path, model_folder
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import MODEL_FILE, Signature
from tests.packaged import LABELS, Packaged


@pytest.fixture
def bento(packaged: Packaged, tmp_path: Path) -> Path:
    return shutil.copytree(bento_path(packaged.tag, packaged.home), tmp_path / "bento")


def read(bento: Path) -> Deployable:
    return Deployable.read(bento, bento / "src" / "model")


def test_a_bento_says_what_it_is(version: Deployable, packaged: Packaged) -> None:
    graph = model_folder(packaged.tag, packaged.home) / MODEL_FILE

    assert (version.name, version.tag) == ("flights@v3", packaged.tag)
    assert version.labels["git_sha"] == LABELS.git_sha
    assert version.labels["model_sha256"] == Signature.read(packaged.artifact).sha256
    assert version.model_bytes == graph.stat().st_size
    assert version.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert version.workers >= 1


def test_how_it_is_served_is_the_bentos_to_say(bento: Path) -> None:
    asked = ServingPolicy(workers=3, timeout_seconds=2.5, max_concurrency=12)
    asked.write(bento / "src" / "model")
    seen = read(bento)

    assert (seen.workers, seen.timeout_seconds, seen.concurrency) == (3, 2.5, 36)


def test_a_bento_that_does_not_say_how_is_refused(bento: Path) -> None:
    (bento / "src" / "model" / "serving.json").unlink()

    with pytest.raises(ModelError, match="does not say how to serve"):
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
