"""Every model of params.yaml, trained by its own stages on its own data, and asked by tritonclient.

The searches are cut short; data, family, task and compression are those that are registered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines import settings
from pipelines.packaging import build
from pipelines.packaging.server import running
from pipelines.paths import ModelPaths
from tests.packaged import LABELS
from tests.serving.bentos import Bento
from tests.serving.inference_protocol.asked import by_triton, require_the_models_answers
from tests.throwaway import REPOSITORY, begin, copy_repository

MODELS = sorted(settings.load(REPOSITORY).models)
# What takes its time and says nothing about serving.
_JANUARY = {"ingest": {"until": "2013-01"}, "split": {"tuning_days": 5, "holdout_days": 7}}
SHORTER: dict[str, dict[str, Any]] = {
    "flights": _JANUARY,
    "flights_minutes": _JANUARY,
    "cifar10": {"train": {"fixed": {"optimizer": "adam", "width": 0.25, "epochs": 1}}},
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("model", MODELS)
def test_tritonclient_gets_the_answers_of(model: str, tmp_path: Path) -> None:
    copy_repository(tmp_path / "project", but=("tests/", "docs/"))
    project = begin(tmp_path / "project")
    project.set(model, "tune", trials=1, workers=1)
    for section, values in SHORTER.get(model, {}).items():
        project.set(model, section, **values)
    done = project.dvc("repro", "--quiet", f"train@{model}")
    assert done.returncode == 0, done.stderr

    artifact = ModelPaths(project.root, model).artifact
    bento = Bento(artifact, project.home, build(artifact, LABELS, "v3", project.home))
    with running(bento.tag, bento.home, 60, tmp_path / "server.log") as server:
        found = by_triton(bento, server)
    require_the_models_answers(found, bento)
