"""The cluster of a retrain: started by Prefect's task runner, used by the stage, ended with it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import yaml
from distributed import Client

from flows import cluster
from pipelines.errors import StateError
from pipelines.ports import free_port
from pipelines.tuning import dask_cluster
from pipelines.tuning.places import SCHEDULER
from tests.small import settings
from tests.throwaway import Project, make_project

pytestmark = pytest.mark.cluster
DASK = {"engine": "dask", "workers": 2}


@pytest.mark.parametrize(
    "sections",
    [
        {"tune": {"engine": "processes"}},
        {"tune": DASK, "train": {"family": "sgd", "mode": "incremental", "parent": "v1"}},
    ],
    ids=["processes", "nothing to search"],
)
def test_without_a_search_on_dask_there_is_no_cluster(sections: dict[str, dict[str, str]]) -> None:
    with cluster.for_search(settings(**sections)) as address:
        assert address is None
        assert SCHEDULER not in os.environ


@pytest.mark.slow
def test_a_local_cluster_lives_as_long_as_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCHEDULER, "tcp://127.0.0.1:1")
    with cluster.for_search(settings(tune=DASK)) as address:
        assert address is not None
        assert address.startswith("tcp://127.0.0.1:")
        assert os.environ[SCHEDULER] == address
        with Client(address, timeout=60) as client:
            threads = client.nthreads()
            assert list(threads.values()) == [1, 1]
            found = client.run(os.getpid)
        processes = [psutil.Process(number) for number in found.values()]
        assert os.getpid() not in found.values()
    assert os.environ[SCHEDULER] == "tcp://127.0.0.1:1"
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert alive == []


@pytest.mark.slow
def test_the_cluster_that_is_named_is_used_and_outlives_the_block() -> None:
    with cluster.for_search(settings(tune=DASK)) as address:
        named = settings(tune={**DASK, "dask_address": address})
        with cluster.for_search(named) as theirs:
            assert theirs == address
        with Client(address, timeout=60) as client:
            assert len(client.nthreads()) == 2
        assert os.environ[SCHEDULER] == address


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 2)
    named = f"tcp://127.0.0.1:{free_port()}"
    with (
        pytest.raises(StateError, match="no Dask scheduler with workers answers") as caught,
        cluster.for_search(settings(tune={**DASK, "dask_address": named})),
    ):
        pytest.fail("there is no cluster")
    assert caught.value.where.startswith(named)
    assert dask_cluster.ANSWER_SECONDS <= 10


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_retrain_searches_on_the_cluster_of_its_flow(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", models=("alpha",))
    project.set("alpha", "tune", **DASK, trials=4)
    project.commit("Search on Dask")
    by_dask = _retrained(project)
    assert (
        "Creating a new Dask cluster with `distributed.deploy.local.LocalCluster`" in by_dask.said
    )
    places = re.findall(r"trials go to the Dask cluster at (tcp://127\.0\.0\.1:\d+)", by_dask.said)
    assert len(places) == 1
    # Searched anew by processes, from no finished trial: where it ran left nothing in the result.
    (project.root / ".evergreen" / "studies").rename(tmp_path / "studies")
    project.set("alpha", "tune", engine="processes")
    project.commit("Search in processes")
    by_processes = _retrained(project)
    assert "Dask" not in by_processes.said
    assert "trials: 4 of 4" in by_processes.said
    assert by_processes.study == by_dask.study


class _Retrained(NamedTuple):
    said: str
    study: str


def _retrained(project: Project) -> _Retrained:
    """What was said, and the digest of what the search found."""
    done = project.evergreen("retrain", "alpha", "--json", seconds=500)
    result = json.loads(done.stdout)
    lock = yaml.safe_load(project.git("show", f"{result['commit']}:dvc.lock"))
    [study] = lock["stages"]["tune@alpha"]["outs"]
    return _Retrained(done.stderr, study["md5"])
