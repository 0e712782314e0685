"""Building: what goes in, what makes a bento another bento, and what a kill leaves behind."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.errors import ModelError, PackageError
from pipelines.packaging import bento_path, build, export, model_folder, tags
from pipelines.packaging.content import lay_out, requirements
from pipelines.packaging.golden import CARRIED_ROWS
from pipelines.packaging.store import MANIFEST
from pipelines.paths import HomePaths
from pipelines.serving import release
from pipelines.serving.golden import read as read_golden
from pipelines.serving.policy import ServingPolicy
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE, MODEL_FILE, Signature
from tests.model_folder import make_model_folder
from tests.packaged import LABELS, Packaged
from tests.waiting import until


def test_the_tag_names_model_version_and_content(packaged: Packaged) -> None:
    model, _, rest = packaged.tag.partition(":")
    version, _, digest = rest.partition("-")

    assert (model, version) == ("flights", "v3")
    assert len(digest) == 12
    assert tags("flights", packaged.home) == [packaged.tag]
    assert tags("flights", packaged.home, "v3") == [packaged.tag]
    assert tags("flights", packaged.home, "v") == []


def test_the_bento_carries_all_hashes_as_labels(packaged: Packaged) -> None:
    folder = bento_path(packaged.tag, packaged.home)
    content = yaml.safe_load((folder / "bento.yaml").read_text(encoding="utf-8"))
    expected = {
        **dataclasses.asdict(LABELS),
        "model_sha256": Signature.read(packaged.artifact).sha256,
        "version": "v3",
    }

    assert content["labels"] == expected
    carried = release.read(model_folder(packaged.tag, packaged.home))
    assert (carried.version, carried.labels) == ("v3", expected)


def test_only_what_serving_needs_goes_in(packaged: Packaged) -> None:
    source = bento_path(packaged.tag, packaged.home) / "src"
    packages = {path.relative_to(source).parts[:2] for path in source.rglob("*.py")}
    model = {path.name for path in (source / "model").iterdir()}

    assert packages == {
        ("pipelines", "__init__.py"),
        ("pipelines", "errors.py"),
        ("pipelines", "inference"),
        ("pipelines", "jwks.py"),
        ("pipelines", "predictions"),
        ("pipelines", "schema.py"),
        ("pipelines", "serving"),
        ("pipelines", "signature.py"),
    }
    assert model == {"model.onnx", "signature.json", "release.json", "serving.json", "golden.json"}


def test_requirements_are_pinned_and_name_no_index(packaged: Packaged) -> None:
    folder = bento_path(packaged.tag, packaged.home)
    lines = (folder / "env" / "python" / "requirements.txt").read_text().split()

    assert set(requirements()) <= set(lines)
    assert all("==" in line and "/" not in line for line in lines)


def test_building_the_same_again_does_nothing(packaged: Packaged) -> None:
    manifest = bento_path(packaged.tag, packaged.home) / MANIFEST
    before = manifest.stat().st_mtime_ns

    assert build(packaged.artifact, LABELS, "v3", packaged.home) == packaged.tag
    assert manifest.stat().st_mtime_ns == before
    assert tags("flights", packaged.home) == [packaged.tag]


def test_any_other_content_is_another_bento(artifact: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_model_folder(other, rows=1000, seed=8)
    relabelled = dataclasses.replace(LABELS, data_hash="e" * 32)
    policy = ServingPolicy()
    laid_out = [
        lay_out(tmp_path / "1", artifact, LABELS, "v3", policy),
        lay_out(tmp_path / "2", artifact, relabelled, "v3", policy),
        lay_out(tmp_path / "3", artifact, LABELS, "v4", policy),
        lay_out(tmp_path / "4", other, LABELS, "v3", policy),
        lay_out(tmp_path / "5", artifact, LABELS, "v3", ServingPolicy(workers=2)),
    ]

    assert len(set(laid_out)) == 5
    assert lay_out(tmp_path / "6", artifact, LABELS, "v3", policy) == laid_out[0]


def test_a_few_golden_rows_go_along_and_no_more(packaged: Packaged, tmp_path: Path) -> None:
    golden = read_golden(model_folder(packaged.tag, packaged.home))
    known = pq.read_table(packaged.artifact / GOLDEN_FILE)

    assert len(golden.rows) == CARRIED_ROWS < known.num_rows
    expected = known.column(GOLDEN_ANSWER).to_numpy()[:CARRIED_ROWS]
    assert np.abs(np.array(golden.outputs["probability"]) - expected).max() <= 1e-4


def test_a_model_without_golden_rows_is_not_packaged(artifact: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(artifact, tmp_path / "copy")
    (copy / GOLDEN_FILE).unlink()

    with pytest.raises(PackageError, match="no golden rows"):
        lay_out(tmp_path / "1", copy, LABELS, "v3", ServingPolicy())


@pytest.mark.parametrize("version", ["3", "v0", "v3-x", "", "../v3", "v3/4"])
def test_a_version_that_is_none_is_refused(artifact: Path, tmp_path: Path, version: str) -> None:
    with pytest.raises(PackageError, match="a version is `v` and a number"):
        build(artifact, LABELS, version, HomePaths(tmp_path))


def test_an_empty_label_is_refused_by_name(artifact: Path, tmp_path: Path) -> None:
    labels = dataclasses.replace(LABELS, lock_hash="")

    with pytest.raises(PackageError, match=r"labels\.lock_hash: the label is empty"):
        build(artifact, labels, "v3", HomePaths(tmp_path))


def test_a_model_with_another_digest_is_not_packaged(artifact: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(artifact, tmp_path / "copy")
    (copy / MODEL_FILE).write_bytes(b"another graph")
    home = HomePaths(tmp_path / "home")

    with pytest.raises(ModelError, match="the digest is"):
        build(copy, LABELS, "v3", home)
    assert tags("flights", home) == []


BUILD = """
import json, sys
from pathlib import Path
from pipelines.packaging import Labels, build
from pipelines.paths import HomePaths
build(Path(sys.argv[1]), Labels(**json.loads(sys.argv[3])), "v3", HomePaths(Path(sys.argv[2])))
"""


def test_what_a_killed_build_leaves_does_not_count_and_is_built_again(
    packaged: Packaged, tmp_path: Path
) -> None:
    home = HomePaths(tmp_path / "home")
    labels = json.dumps(dataclasses.asdict(LABELS))
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(packaged.artifact), str(home.home), labels],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    until(lambda: list(home.bentoml.glob("build-*/bentoml")))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    # And as if the kill had come while the finished bento was moved to its place.
    half = home.bentoml / "bentos" / Path(*packaged.tag.split(":"))
    (half / "src").mkdir(parents=True)
    (half / "bento.yaml").write_text("name: flights\n")

    assert list(home.bentoml.glob("build-*"))
    assert tags("flights", home) == []
    with pytest.raises(PackageError, match="no such bento"):
        bento_path(packaged.tag, home)
    # The lock went with the process, and what it left is swept before anything is built.
    assert build(packaged.artifact, LABELS, "v3", home) == packaged.tag
    assert tags("flights", home) == [packaged.tag]
    assert not list(home.bentoml.glob("build-*"))
    assert (bento_path(packaged.tag, home) / "src" / "model" / MODEL_FILE).is_file()


def test_a_bento_that_was_changed_is_not_used(packaged: Packaged, tmp_path: Path) -> None:
    home = HomePaths(shutil.copytree(packaged.home.home, tmp_path / "home"))
    graph = model_folder(packaged.tag, home) / MODEL_FILE
    graph.write_bytes(graph.read_bytes() + b"x")

    for use in (
        lambda: bento_path(packaged.tag, home),
        lambda: build(packaged.artifact, LABELS, "v3", home),
    ):
        with pytest.raises(PackageError, match=r"since it was built: src/model/model\.onnx"):
            use()
    graph.unlink()
    with pytest.raises(PackageError, match="No such file"):
        bento_path(packaged.tag, home)


@pytest.mark.parametrize("tag", ["flights", ":v3", "flights:", "flights:../../x", "a/b:v3"])
def test_what_is_no_tag_is_refused(packaged: Packaged, tag: str) -> None:
    with pytest.raises(PackageError, match="not a bento tag"):
        bento_path(tag, packaged.home)


def test_an_unknown_tag_lists_what_there_is(packaged: Packaged) -> None:
    with pytest.raises(PackageError, match=f"there are: {packaged.tag}"):
        bento_path("flights:v9-000000000000", packaged.home)


def test_a_bento_can_be_exported_to_one_file(
    packaged: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = export(packaged.tag, packaged.home, Path("flights.bento"))

    assert written == tmp_path / "flights.bento"
    assert written.stat().st_size > 1000


def test_a_failure_of_bentoml_is_reported_with_its_own_words(
    packaged: Packaged, tmp_path: Path
) -> None:
    with pytest.raises(PackageError, match="bentoml export: exit code 1"):
        export(packaged.tag, packaged.home, tmp_path / "missing" / "x.unknown")


def test_a_manifest_that_is_no_json_is_refused(packaged: Packaged, tmp_path: Path) -> None:
    home = HomePaths(shutil.copytree(packaged.home.home, tmp_path / "home"))
    folder = bento_path(packaged.tag, home)
    assert json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text("{")

    with pytest.raises(PackageError, match="find out who changed it"):
        bento_path(packaged.tag, home)
