"""The whole stack around the throwaway project, and traffic for its monitor to see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import yaml

from pipelines import frames
from pipelines.inference.session import ModelSession
from pipelines.ports import free_ports
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.stack.starting import down
from pipelines.versioning import versions, watched
from pipelines.versioning.git import Repository
from tests.flows.prefect_api import PrefectApi
from tests.throwaway import MONTHS, Project


@contextmanager
def looped(
    project: Project, monitor: dict[str, Any], **trigger: Any
) -> Iterator[tuple[Project, PrefectApi]]:
    """The project of alpha@v1, which a month more of data waits for, with everything up."""
    use_free_ports(project)
    project.set("alpha", "ingest", until=MONTHS[2])
    project.set("alpha", "monitor", window_rows=400, minimum_rows=200, labels="none", **monitor)
    project.set("alpha", "trigger", **trigger)
    project.commit("Watch alpha")
    try:
        yield project, up(project)
    finally:
        down(project.root)


def use_free_ports(project: Project) -> None:
    """Beside other stacks of this machine."""
    port, tokens, metrics = free_ports(3)
    path = project.root / "params.yaml"
    content = yaml.safe_load(path.read_text())
    content["gateway"] = {"port": port, "metrics_port": metrics}
    content["identity"] = {"port": tokens}
    path.write_text(yaml.safe_dump(content))


def up(project: Project, **more: str) -> PrefectApi:
    """Everything that does not run is started; Prefect's address."""
    done = project.evergreen("up", "--prefect", "--json", PREFECT_API_URL="", **more)
    assert done.returncode == 0, done.stderr
    return PrefectApi(json.loads(done.stdout)["prefect"])


def answered(project: Project, at: datetime, shift: float) -> None:
    """Answers of the live version; with a shift, to rows unlike those that it learned from."""
    repository = Repository.at(project.root)
    [version] = versions.registered(repository, "alpha")
    session = ModelSession.open(versions.model_folder(repository, project.home, version))
    schema = session.signature.schema
    folder = watched.evidence_folder(repository, project.home, version)
    rows = pd.read_parquet(folder / "holdout.parquet")
    tensors = frames.tensors(rows.assign(speed=rows["speed"] + shift), schema)
    said = session.predict(tensors)
    log = PredictionLog.open(project.home.predictions("alpha"), schema, LogPolicy(), None)
    outputs = {"probability": said.scores, "label": said.labels.astype(np.int64)}
    when = int(at.timestamp()) * 10**9
    request = AnsweredRequest(f"at-{when}", when, "rest", False, 1000, len(rows))
    log.offer(Answered(version.name, [request], tensors, outputs))
    log.close(30)
