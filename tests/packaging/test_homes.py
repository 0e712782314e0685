"""Every server lives in a home of its own, counts for itself, and leaves nothing for ever."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from pipelines.packaging import build
from pipelines.packaging.homes import VARIABLE, fresh
from pipelines.packaging.server import Server, running
from pipelines.paths import HomePaths
from tests.packaged import LABELS, Packaged
from tests.serving.live import metrics
from tests.waiting import until


@contextmanager
def living_in(place: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that makes its home and stays there, as a server does."""
    code = f"import os, time; os.makedirs(os.environ[{VARIABLE!r}]); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], env={VARIABLE: str(place)})
    try:
        until(place.is_dir)
        yield process
    finally:
        process.kill()
        process.wait()


def test_only_what_nobody_lives_in_any_more_is_removed(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    first, second = fresh(home), fresh(home)
    with living_in(first), living_in(second) as killed:
        third = fresh(home)
        assert len({first, second, third}) == 3
        assert first.is_dir() and second.is_dir()
        assert not third.exists()
        killed.kill()
        killed.wait()
        (second / "counts.db").touch()
        fresh(home)
        assert first.is_dir()
        assert not second.exists()


def test_a_home_that_is_reached_by_another_path_is_lived_in_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(tmp_path, target_is_directory=True)
    place = fresh(HomePaths(tmp_path))
    with living_in(place):
        fresh(HomePaths(tmp_path / "other"))
        assert place.is_dir()


def refuse(server: Server, times: int) -> None:
    for _ in range(times):
        asked = httpx.post(f"http://{server.host}:{server.port}/predict", json={"rows": "none"})
        assert asked.status_code == 422


def refused(server: Server) -> float:
    """How many requests a server says that it refused."""
    return metrics(server, "evergreen_requests_total")['{door="predict",outcome="refused"}']


def served(server: Server) -> list[str]:
    """The versions that a server says it serves."""
    infos = metrics(server, "evergreen_model_info")
    return [labels.partition('version="')[2].partition('"')[0] for labels in infos]


def test_servers_side_by_side_count_each_for_itself(packaged: Packaged, tmp_path: Path) -> None:
    home = HomePaths(shutil.copytree(packaged.home.home, tmp_path / "home"))
    other = build(packaged.artifact, LABELS, "v4", home)
    with running(packaged.tag, home, 60, tmp_path / "stable.log") as stable:
        refuse(stable, 5)
        for _ in range(2):  # the second is a start after a start
            with running(other, home, 60, tmp_path / "canary.log") as canary:
                refuse(canary, 2)
                assert served(stable) == ["v3"]
                assert served(canary) == ["v4"]
                assert refused(canary) == 2
                assert len(list(home.servers.iterdir())) == 2
        refuse(stable, 5)
        assert refused(stable) == 10
        assert served(stable) == ["v3"]
