"""Images, the whole way: a network is searched, trained, made smaller, judged, proved through all
doors, registered, served, and asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from pipelines.datasets.mnist import PACKAGE, Mnist
from pipelines.ports import free_port
from pipelines.settings import IngestSettings
from tests.throwaway import REPOSITORY, Project, begin, copy_repository

# The project's own mnist, with fewer epochs and a narrower layer.
_SETTINGS: dict[str, Any] = {
    "ingest": {"dataset": "mnist", "source": PACKAGE},
    "validate": {},
    "split": {"tuning_share": 0.15, "holdout_share": 0.2, "reference_rows": 200},
    "tune": {"sampler": "random", "pruner": "none", "trials": 1, "workers": 1},
    "train": {
        "family": "keras_mlp",
        "fixed": {"units": 64, "epochs": 5},
        "compress": "dynamic_int8",
    },
    "evaluate": {"importance_rows": 50, "bootstrap_rounds": 100},
    "gate": {"margin": 0.02, "calibration_margin": 0.1, "compression_margin": 0.02},
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    copy_repository(root, but=("data/", "tests/", "docs/"))
    text = yaml.safe_dump({"models": {"mnist": _SETTINGS}}, sort_keys=False)
    (root / "params.yaml").write_text(text, encoding="utf-8")
    (root / "data" / "mnist").mkdir(parents=True)
    shutil.copy(REPOSITORY / "data" / "mnist" / "expectations.yaml", root / "data" / "mnist")
    return begin(root)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_mnist_from_its_images_to_an_answer(project: Project) -> None:
    done = project.evergreen("retrain", "mnist", "--json", seconds=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert result["version"] == "mnist@v1"
    parts = {part["name"]: part for part in result["verdict"]["parts"]}
    assert parts["compression"]["evidence"]["kind"] == "dynamic_int8"
    assert parts["bento"]["outcome"] == "PASSED"

    [(_, frame)] = Mnist().read(IngestSettings(dataset="mnist", source=PACKAGE)).partitions
    image = frame.drop(columns="label").iloc[[0]]
    with serving(project, "mnist") as url:
        rows = json.loads(image.to_json(orient="records"))
        by_name = asked(f"{url}/predict", {"rows": rows})
        meta = asked(f"{url}/v2/models/mnist")
        [tensor] = meta["inputs"]
        values = [float(value) for value in image.to_numpy().ravel()]
        given = {
            "name": tensor["name"],
            "shape": [1, *tensor["shape"][1:]],
            "datatype": tensor["datatype"],
            "data": values,
        }
        by_protocol = asked(f"{url}/v2/models/mnist/infer", {"inputs": [given]})
    outputs = {each["name"]: each["data"] for each in by_protocol["outputs"]}
    assert outputs["probabilities"] == pytest.approx(by_name["probabilities"][0], abs=1e-6)
    truth = str(int(pd.Series(frame["label"]).iloc[0]))
    assert outputs["label"] == [truth]


@contextmanager
def serving(project: Project, model: str) -> Iterator[str]:
    """`evergreen serve` until the end of the block; gives its address when it is ready."""
    port = free_port()
    doors = ("--port", str(port), "--grpc-port", str(free_port()))
    process = project.start("serve", model, *doors)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while not _is_ready(url):
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < until, "it did not become ready"
            time.sleep(0.2)
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/v2/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def asked(url: str, body: dict[str, Any] | None = None) -> Any:
    """The JSON that a server answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())
