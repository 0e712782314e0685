"""What a rollout begins with, and everything that it refuses to begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import BusyError, EvergreenError, RolloutError, SettingsError, WorkspaceError
from pipelines.observing.observe import watermark
from pipelines.releasing.beginning import begin
from pipelines.rollout import store
from pipelines.rollout.state import Phase
from tests.releasing import world as worlds
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL, World


def start(world: World, version: str | None = None) -> store.Stored:
    return begin(world.project, MODEL, version, world.sources, world.now())


def test_the_newest_registered_version_is_measured_and_waits_to_be_ready(world: World) -> None:
    stored = start(world)
    state, plan = stored.state, stored.state.plan
    assert (plan.champion, plan.challenger) == (CHAMPION, CHALLENGER)
    assert (state.phase, state.position) == (Phase.PENDING, watermark(world.begun))
    assert 0 < plan.expected.disagreement < 0.5
    assert 0 < plan.expected.gap < 0.5
    # Nothing was logged: golden rows, in process, and what stands around them.
    assert 5 < plan.latency_ms < 1000
    assert store.current(world.project.engine, MODEL) == stored


def test_the_settings_are_those_of_that_moment(world: World) -> None:
    worlds.write_params(world.root, steps=[10, 100])
    started = start(world)
    worlds.write_params(world.root, steps=[50, 100])
    kept = store.current(world.project.engine, MODEL)
    assert kept is not None
    assert kept.state.plan.settings.steps == started.state.plan.settings.steps == (10, 100)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("v9", "no version 'v9'"),
        ("v3", "no run that came to its end"),
        ("v4", "not on this machine"),
        ("v1", "live already"),
        ("flights@v1", "live already"),
    ],
)
def test_what_cannot_be_released_is_refused_with_a_reason(world: World, version, said) -> None:
    with pytest.raises((RolloutError, WorkspaceError), match=said) as caught:
        start(world, version)
    assert caught.value.next_step
    assert store.latest(world.project.engine, MODEL) is None


def test_a_second_rollout_is_refused(world: World) -> None:
    start(world)
    with pytest.raises(BusyError, match="flights@v2 is pending") as caught:
        start(world)
    assert "evergreen rollback flights" in caught.value.next_step


def test_an_unknown_model_is_refused(world: World) -> None:
    with pytest.raises(SettingsError, match="unknown model"):
        begin(world.project, "ships", None, world.sources)


def test_nothing_is_compared_with_nothing(world: World, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("EVERGREEN_HOME", str(tmp_path / "empty"))
    with pytest.raises(RolloutError, match="nothing is live"):
        start(World.at(world.root))


def test_what_was_live_before_is_only_released_when_it_is_named(world: World) -> None:
    worlds.promote(world.project.engine, world.root, 2)
    with pytest.raises(RolloutError, match="neither live nor rolled out"):
        start(world)
    assert start(world, "v1").state.plan.challenger == CHAMPION


def test_a_server_without_a_record_cannot_be_judged(world: World) -> None:
    worlds.write_params(world.root)
    text = (world.root / "params.yaml").read_text(encoding="utf-8")
    silent = text.replace("    train:", "    serve: {log: {mode: 'off'}}\n    train:")
    (world.root / "params.yaml").write_text(silent, encoding="utf-8")
    with pytest.raises(RolloutError, match="keep no record"):
        start(world)


@pytest.mark.parametrize("steps", [[50, 25, 100], [5, 25], [], [0, 100]], ids=str)
def test_steps_that_do_not_rise_to_100_are_refused(world: World, steps) -> None:
    worlds.write_params(world.root, steps=steps)
    with pytest.raises(EvergreenError) as caught:
        start(world)
    assert "steps" in str(caught.value)
