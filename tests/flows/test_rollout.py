"""The verbs and the flow of a rollout: with a Prefect server that is real, and with none at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.errors import BusyError, RolloutError
from pipelines.fleet.locks import held
from pipelines.releasing.beginning import begin
from pipelines.rollout import store
from pipelines.rollout.state import Phase, State
from pipelines.state import bentos, leases, ledger, runs
from tests.orchestration import SHARED, Run, end_group
from tests.releasing import world as worlds
from tests.releasing.test_ticking import QUICK, drive, look
from tests.releasing.world import CHALLENGER, CHAMPION, MODEL, World
from tests.throwaway import MONTHS, Project
from tests.waiting import until


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("releases") / "project"
    worlds.make(root)
    return root


@pytest.fixture
def world(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.delenv("EVERGREEN_DATABASE_URL", raising=False)
    root = tmp_path / "project"
    shutil.copytree(made, root)
    monkeypatch.setenv("EVERGREEN_HOME", str(root / ".evergreen"))
    found = World.at(root)
    yield found
    found.project.engine.dispose()


@pytest.fixture
def project(world: World) -> Project:
    return Project(world.root)


def start(world: World, **settings) -> State:
    # The world's clock began when this file was read, which the machine's may find long ago.
    patient = {"ready_minutes": 600.0}
    worlds.write_params(world.root, **{**QUICK, **patient, **settings})
    return begin(world.project, MODEL, None, world.sources, world.now()).state


def newest(world: World) -> State:
    found = store.latest(world.project.engine, MODEL)
    assert found is not None
    return found.state


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["rollout", "ships"], "unknown model 'ships'"),
        (["rollout", MODEL], "the local stack is down"),
        (["rollout", MODEL, "--tick"], "there is none"),
        (["rollback", "ships"], "unknown model 'ships'"),
        (["rollback", MODEL], "no other version was live"),
        (["rollback", MODEL, "--to", "v9"], "no version 'v9'"),
        (["rollback", MODEL, "--to", "v3"], "no run that came to its end"),
        (["approve", MODEL, "50"], "no rollout is open"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_says_what_can(project: Project, run: Run, arguments, named) -> None:
    done = run(project, *arguments)
    assert done.code == 2
    assert named in done.err
    assert "next step: " in done.err


def test_a_rollback_needs_no_prefect(world: World, project: Project) -> None:
    """As a person runs it at night: a process of its own, and no Prefect that could be asked."""
    worlds.promote(world.project.engine, world.root, 2)
    code = "import sys; sys.modules['prefect'] = None; from flows.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "rollback", MODEL, "--reason", "too slow", "--json"],
        cwd=world.root,
        env={**project.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["live"] == CHAMPION
    entry = ledger.live(world.project.engine, MODEL)
    assert entry is not None
    assert (entry.version, entry.action, entry.why) == (CHAMPION, "rolled back", "too slow")


def test_history_shows_all_of_it(world: World, project: Project, run: Run) -> None:
    start(world)
    drive(world)
    run(project, "rollback", MODEL, "--reason", "it was slow at noon")
    done = run(project, "history", MODEL)
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    for text in ("rolled back", "promoted", "rollout", "stepping, 25 %", "mirroring", CHALLENGER):
        assert text in done.out
    rows = json.loads(run(project, "history", MODEL, "--json").out)
    assert {row["action"] for row in rows} == {"rolled back", "promoted", "rollout"}
    assert rows[-1]["version"] == CHAMPION
    [rollout] = [row for row in rows if row["action"] == "rollout"]
    assert (rollout["version"], rollout["changes"][-1]["phase"]) == (CHALLENGER, "promoted")


def test_one_tick_without_prefect(world: World, project: Project, run: Run) -> None:
    start(world)
    done = run(project, "rollout", MODEL, "--tick", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    # No stack runs here, so that the challenger is waited for, and the champion has everything.
    assert (told["phase"], told["weights"]) == ("pending", {CHAMPION: 100})
    assert "flights@v2" in run(project, "rollout", MODEL, "--tick").out


def test_a_rollout_that_went_back_ends_with_one(world: World, project: Project, run: Run) -> None:
    start(world)
    drive(world, bad_share=0.4)
    assert newest(world).phase is Phase.ROLLED_BACK
    done = run(project, "rollout", MODEL, "--tick")
    assert done.code == 1
    assert "rolled back" in done.out


def test_an_approval_from_the_command_line(
    world: World, project: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.rollout.clock.read", world.now)
    start(world, steps=[50, 100], approval=[100])
    while newest(world).phase is not Phase.AWAITING_APPROVAL:
        look(world)
        world.serve(10)
    done = run(project, "approve", MODEL, "50")
    assert done.code == 2
    done = run(project, "approve", MODEL, "100", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["phase"] == "promoted"


def test_a_detached_rollout_is_refused_beside_another(
    world: World, project: Project, run: Run
) -> None:
    start(world)
    done = run(project, "rollout", MODEL, "v1", "--detach")
    assert done.code == 2
    assert "the rollout of flights@v2 is pending" in done.err
    assert (
        json.loads(run(project, "rollout", MODEL, "--detach", "--json").out)["phase"] == "pending"
    )


@dataclass(frozen=True)
class Watched:
    """A desk whose requests come while it ticks, and whose routes are recorded."""

    world: World
    traffic: float = 0.0

    @property
    def project(self):
        return self.world.project

    def has_ended(self) -> bool:
        is_open = store.current(self.project.engine, MODEL) is not None
        return not is_open and bool(store.listed(self.project.engine, MODEL))

    def open_one(self, version: str | None) -> State:
        return newest(self.world)

    def tick(self):
        self.world.serve(10, bad_share=self.traffic)
        return look(self.world)


def test_the_flow_drives_it_to_its_end_and_shows_how_far_it_is(
    world: World, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.rollout import Observer
    from flows.rollout import drive as drive_flow

    start(world, steps=[50, 100])

    @flow(name="rollout-test", persist_result=False)
    def driven() -> str:
        return drive_flow(Watched(world), None, 0.0, Observer(MODEL))[0].phase.value

    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        assert driven() == "promoted"
        shown = client.read_artifacts()
    keys = {artifact.key: artifact for artifact in shown}
    assert keys["flights-rollout-progress"].data == 100.0
    pages = [artifact.data for artifact in shown if artifact.key == "flights-rollout"]
    assert any("mirroring" in str(page) for page in pages)
    assert any("| errors | PASSED |" in str(page) for page in pages)


def test_a_second_driver_gives_up_and_a_person_does_not_stop_the_first(world: World) -> None:
    from flows.rollout import drive as drive_flow

    start(world)
    told: list[str] = []
    with (
        leases.hold(world.project.engine, store.lease_name(MODEL), "the first", 60),
        pytest.raises(BusyError, match="the first"),
    ):
        drive_flow(Watched(world), None, 0.0, lambda ticked: told.append(ticked.state.phase))
    assert told == []


def test_a_desk_goes_on_with_the_open_rollout_and_no_other(world: World) -> None:
    from flows.releasing import Desk

    desk = Desk.at(world.root, MODEL)
    with pytest.raises(RolloutError, match="there is none"):
        desk.newest()
    assert not desk.has_ended()
    opened = start(world)
    assert desk.open_one(None) == desk.open_one("v2") == desk.open_one(CHALLENGER) == opened
    with pytest.raises(RolloutError, match=r"flights@v2 is pending"):
        desk.open_one("v4")
    desk.roll_back(None, "odd")
    assert desk.has_ended()
    assert desk.newest().phase is Phase.ABORTED


@pytest.mark.slow
@pytest.mark.parametrize("is_approved", [True, False], ids=["yes", "no"])
def test_a_person_answers_in_prefect_while_the_rollout_goes_on(
    world: World, project: Project, api: str, is_approved: bool
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows import approving

    # Nobody ticks here while the person thinks, and what nobody watches is not approved.
    start(world, steps=[50, 100], approval=[100], blind_seconds=3600)
    while newest(world).phase is not Phase.AWAITING_APPROVAL:
        look(world)
        world.serve(10)
    code = "from flows.approving import approve_rollout as f; f.serve(name='approve-rollout')"
    environment = {**project.environment, "PREFECT_API_URL": api}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    # The other answer is tried on the same server, perhaps at this moment, under the same name.
    alone = held(Path(os.environ[SHARED]) / "approving.lock", 300)
    with (
        alone,
        temporary_settings({PREFECT_API_URL: api}),
        get_client(sync_client=True) as client,
    ):
        log = (world.root / "serve.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=world.root,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until(lambda: approving.ask(newest(world)), 90)
            approving.ask(newest(world))  # each tick asks, and one run is there

            def asked():
                found = client.read_flow_runs()
                return [each for each in found if newest(world).plan.id in str(each.parameters)]

            until(lambda: [each.state_name for each in asked()] == ["Suspended"], 120)
            [waiting] = asked()
            answer = {"is_approved": is_approved, "who": "ann"}
            client.resume_flow_run(waiting.id, run_input=answer)
            until(lambda: newest(world).phase.is_final, 120)
        finally:
            end_group(process)
            log.close()
    wanted = Phase.PROMOTED if is_approved else Phase.ABORTED
    assert newest(world).phase is wanted
    assert "ann" in newest(world).reason


def test_without_a_deployment_nobody_is_asked(world: World, api: str) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows import approving

    start(world, steps=[50, 100], approval=[100])
    while newest(world).phase is not Phase.AWAITING_APPROVAL:
        look(world)
        world.serve(10)
    with temporary_settings({PREFECT_API_URL: api}), pytest.MonkeyPatch.context() as patch:
        patch.setattr(approving, "DEPLOYMENT", "approve-rollout/nobody-deployed-it")
        assert approving.ask(newest(world)) is False


def test_the_flow_is_killed_and_the_next_goes_on(world: World, project: Project) -> None:
    """SIGKILL to the controller, in the middle of its ticks."""
    start(world)
    environment = {**project.environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    loop = """
import sys
from pathlib import Path
from flows.releasing import Desk
desk = Desk.at(Path.cwd(), "flights")
while True:
    print(desk.tick().state.phase.value, flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", loop],
        cwd=world.root,
        env=environment,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "pending"
    finally:
        end_group(process)
    # Its lease is of a process that is gone, and is taken over at once.
    assert drive(world)[-1] is Phase.PROMOTED


@pytest.mark.slow
def test_a_staged_retrain_registers_and_leaves_the_champion_live(
    trained: Project, run: Run
) -> None:
    staged = ("--set", "retrain.release=staged")
    done = run(trained, "retrain", "alpha", "--until", MONTHS[2], *staged, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["version"], result["is_live"]) == ("alpha@v2", False)
    live = ledger.live(trained.engine, "alpha")
    assert live is not None
    assert live.version == "alpha@v1"
    [newest, _] = runs.latest(trained.engine, "alpha")
    assert (newest.status, newest.version) == (runs.REGISTERED, "alpha@v2")
    assert bentos.registered(trained.engine, "alpha")["alpha@v2"] == result["bento"]
    # It exists in full: only the stack is missing for a rollout of it.
    refused = run(trained, "rollout", "alpha")
    assert refused.code == 2
    assert "the local stack is down" in refused.err
    went = run(trained, "rollback", "alpha", "--to", "v2", "--reason", "no time for steps")
    assert went.code == 0, went.err
    live = ledger.live(trained.engine, "alpha")
    assert live is not None
    assert live.version == "alpha@v2"
