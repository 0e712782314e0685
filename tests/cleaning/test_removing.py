"""Clean-ups of real folders: what goes, what stays, and kills in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from flows.cleaning import Asked, Cleaned, clean
from flows.views.cleaning import show_cleaned
from pipelines.cleaning.items import Kind
from pipelines.errors import BusyError
from pipelines.state import leases, runs
from tests.cleaning.world import MODEL, OLD, World

KILLS = 12


def cleaned(world: World, *, is_done: bool = True) -> Cleaned:
    [found] = clean(world.project.root, [MODEL], Asked(keep_versions=2), is_done=is_done)
    return found


def everything(world: World) -> dict[str, Path]:
    """Something of every kind that goes, by name."""
    refused = world.run(runs.REFUSED)
    world.run(runs.REFUSED, commit="c" * 40, is_with_tree=False)
    alarm = world.write(world.home.monitor(MODEL) / "alarms" / "w1" / "alarm.html").parent
    checkpoint = world.write(world.home.checkpoints / MODEL / "key" / "epoch.npz").parent
    for folder in (alarm, checkpoint):
        world.age(folder, OLD)
    return {
        "work tree": world.home.worktrees / f"{MODEL}-{refused}",
        "report": world.write(world.home.reports / MODEL / f"{refused}.html", OLD),
        "answers": world.segment(OLD),
        "alarm": alarm,
        "checkpoint": checkpoint,
        "half a bento": world.half_bento("v9-0000", OLD),
    }


def test_what_nothing_needs_goes_and_all_else_stays(world: World) -> None:
    gone = everything(world)
    young = world.segment(timedelta(days=1))
    report = world.write(world.home.reports / MODEL / f"{MODEL}@v1.html", OLD)
    strange = world.write(world.home.worktrees / "notes.txt", OLD)
    before = world.branches()
    found = cleaned(world)
    assert [name for name, place in gone.items() if place.exists()] == []
    assert world.bentos() == {"v5", "v6"}
    kept = sorted(each.name.split("-")[0] for each in world.home.versions(MODEL).iterdir())
    assert kept == ["v5", "v6"]
    assert all(place.exists() for place in (young, report, strange))
    assert len(before) == 2
    assert len(world.branches()) == 1, "the next retrain begins from the newest commit"
    assert {ruling.item.kind for ruling in found.removed} == set(Kind)
    assert found.size > 600
    assert list(world.home.removed(MODEL).glob("*")) == []
    assert cleaned(world).removed == []


def test_a_dry_run_removes_nothing_and_says_why(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = everything(world)
    found = cleaned(world, is_done=False)
    assert all(place.exists() for place in gone.values())
    show_cleaned([found], as_json=False)
    said = capsys.readouterr().out
    assert "`--remove` does it" in said
    assert "would go" in said
    show_cleaned([found], as_json=True)
    [told] = json.loads(capsys.readouterr().out)
    reasons = {each["place"]: each["why"] for each in told["items"] if each["is_removed"]}
    assert reasons[str(gone["work tree"])] == "its run is refused"
    assert told["is_done"] is False
    assert told["bytes"] == found.size


def test_rollout_and_gateway_keep_old_versions(world: World) -> None:
    world.roll_out()
    world.route("v3")
    cleaned(world)
    assert world.bentos() == {"v1", "v2", "v3", "v5", "v6"}


def test_a_killed_retrain_keeps_its_tree(world: World) -> None:
    running = world.run(runs.RUNNING)
    checkpoint = world.write(world.home.checkpoints / MODEL / "key" / "epoch.npz").parent
    world.age(checkpoint, OLD)
    cleaned(world)
    assert (world.home.worktrees / f"{MODEL}-{running}").exists()
    assert checkpoint.exists()
    assert len(world.branches()) == 1


@pytest.mark.parametrize("name", [f"retrain/{MODEL}", f"rollout/{MODEL}"])
def test_who_is_at_work_is_not_disturbed(world: World, name: str) -> None:
    gone = everything(world)
    with leases.hold(world.project.engine, name, "somebody", 30), pytest.raises(BusyError):
        cleaned(world)
    assert all(place.exists() for place in gone.values())


def test_what_became_needed_meanwhile_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import flows.cleaning as module

    planned = module._plan
    calls = []

    def plan(*arguments: object) -> object:
        calls.append(arguments)
        found = planned(*arguments)  # type: ignore[arg-type]
        if len(calls) == 1:
            world.route("v1")
        return found

    monkeypatch.setattr(module, "_plan", plan)
    found = cleaned(world)
    assert "v1" in world.bentos()
    assert "the gateway was told of it" in {each.why for each in found.rulings}


_KILLED = """
import os, signal, sys
from pathlib import Path
from flows.cleaning import Asked, clean
steps = int(sys.argv[2])
def trace(event, arguments):
    global steps
    if event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "subprocess.Popen"):
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(trace)
clean(Path(sys.argv[1]), [], Asked(keep_versions=2), is_done=True)
"""


def test_kills_anywhere_leave_nothing_half_and_the_next_goes_on(world: World) -> None:
    gone = everything(world)
    root, killed = world.project.root, 0
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for step in range(1, KILLS + 1):
        command = [sys.executable, "-c", _KILLED, str(root), str(3 * step)]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        killed += done.returncode != 0
        assert {"v5", "v6"} <= world.bentos()
        for folder in world.home.versions(MODEL).iterdir():
            assert (folder / "model.onnx").exists(), "a version folder is whole, or gone"
    assert killed >= 3
    cleaned(world)
    assert [name for name, place in gone.items() if place.exists()] == []
    assert world.bentos() == {"v5", "v6"}
    assert list(world.home.removed(MODEL).glob("*")) == []
    assert world.repository.git("worktree", "list", "--porcelain").count("worktree ") == 1
