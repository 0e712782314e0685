"""Where the limit of slowness comes from."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.observing.sources import Sources
from pipelines.releasing.latency import p99_ms
from pipelines.versioning import versions
from tests.observing.traffic import answered
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL, World


def measure(world: World, champion: str = CHAMPION) -> float:
    project = world.project
    version = versions.find(project.repository, MODEL, CHAMPION)
    folder = versions.model_folder(project.repository, project.home, version)
    sources: Sources = world.sources
    return p99_ms(sources, champion, folder, world.begun + 100)


def test_what_clients_saw_comes_first(world: World) -> None:
    taken = np.linspace(1, 100, 400)
    for at, duration in enumerate(taken):
        world.traffic.add(world.begun + at / 10, duration_ms=float(duration))
        # Neither failures nor the challenger's are how fast the champion is.
        world.traffic.add(world.begun + at / 10, duration_ms=9000.0, has_failed=True)
        world.traffic.add(world.begun + at / 10, CHALLENGER, duration_ms=9000.0)
    assert measure(world) == pytest.approx(np.percentile(taken, 99))


def test_then_what_the_server_took(world: World) -> None:
    requests = [world.traffic.add(world.begun + at / 10) for at in range(299)]
    records = [answered(request, latency_ms=8.0) for request in requests]
    records += [answered(request, latency_ms=900.0, is_shadow=True) for request in requests]
    records.append(answered(world.traffic.add(world.begun + 1, CHALLENGER), latency_ms=8.0))
    records.append(
        answered(world.traffic.add(world.begun + 50, has_failed=True), [0.1] * 9, latency_ms=8.0)
    )
    world._record(records)
    assert measure(world) == pytest.approx(13.0)


def test_a_few_requests_say_nothing_so_the_model_is_timed(world: World) -> None:
    for at in range(50):
        world.traffic.add(world.begun + at, duration_ms=9000.0)
    assert 5.0 < measure(world) < 1000.0
