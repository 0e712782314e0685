"""Rollouts in a real database: one open a model, one writer, and nothing that was meddled with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec import structs

from pipelines.errors import BusyError, RolloutError, StateError
from pipelines.rollout import machine, store
from pipelines.rollout.events import Aborted
from pipelines.rollout.routing import routing
from pipelines.rollout.state import Phase
from pipelines.state import leases
from pipelines.state import store as state_store
from tests.rollout.builders import at, begun, exposures, good, look, plan, ready

# A controller that ticks as fast as it can, until it is killed.
_CONTROLLER = """
import sys
from pathlib import Path
from pipelines.rollout import store
from pipelines.state import leases
from pipelines.state import store as state_store
from tests.rollout.builders import exposures, look
engine = state_store.connect(Path(sys.argv[1]))
with leases.hold(engine, store.lease_name("alpha"), "a controller", 60) as lease:
    stored = store.claim(engine, "alpha", lease)
    while True:
        advance = look(stored.state, exposures(0, 10))
        stored = store.save(engine, stored, advance.state, advance.verdict)
        print(stored.revision, flush=True)
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def engine(database: Path) -> sa.Engine:
    return state_store.connect(database)


def abort(state):
    return machine.advance(state, Aborted("ann", "odd"), state.clock).state


def test_what_was_written_is_read(engine: sa.Engine, database: Path) -> None:
    assert store.current(engine, "alpha") is None
    assert store.latest(engine, "alpha") is None
    opened = store.open_new(engine, begun())
    again = state_store.connect(database)
    assert store.current(again, "alpha") == store.latest(again, "alpha") == opened
    assert store.current(again, "beta") is None


def test_one_rollout_of_a_model_is_open_at_a_time(engine: sa.Engine) -> None:
    opened = store.open_new(engine, begun())
    second = machine.begin(plan("r-2"), {"alpha@v1", "alpha@v2"}, 0, at(0))
    with pytest.raises(BusyError, match="alpha@v2 is pending") as caught:
        store.open_new(engine, second)
    assert "evergreen rollback alpha" in caught.value.next_step
    store.open_new(engine, structs.replace(begun(), plan=plan("r-3", "beta")))
    ended = store.save(engine, opened, abort(opened.state))
    assert store.current(engine, "alpha") is None
    assert store.latest(engine, "alpha") == ended
    assert store.open_new(engine, second) == store.latest(engine, "alpha")


def test_an_id_is_used_once(engine: sa.Engine) -> None:
    opened = store.open_new(engine, begun())
    store.save(engine, opened, abort(opened.state))
    with pytest.raises(RolloutError, match="with this id already"):
        store.open_new(engine, begun())


def test_of_many_that_open_one_at_once_one_does(engine: sa.Engine) -> None:
    answers: list[str] = []

    def open_one(number: int) -> None:
        state = structs.replace(begun(), plan=plan(f"r-{number}"))
        try:
            store.open_new(engine, state)
        except BusyError:
            answers.append("busy")
        else:
            answers.append("open")

    threads = [threading.Thread(target=open_one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["busy"] * 7 + ["open"]


def test_whoever_was_replaced_writes_no_more(engine: sa.Engine) -> None:
    first = store.open_new(engine, ready())
    second = store.claim(engine, "alpha")
    assert second.fence == first.fence + 1
    with pytest.raises(BusyError, match="taken over") as caught:
        store.save(engine, first, good(first.state).state)
    assert caught.value.exit_code == 3
    assert store.current(engine, "alpha") == second
    saved = store.save(engine, second, good(second.state).state)
    with pytest.raises(BusyError):  # nor does one that knows an older state
        store.save(engine, second, abort(second.state))
    assert store.current(engine, "alpha") == saved


def test_nothing_is_written_of_a_state_that_did_not_change(engine: sa.Engine) -> None:
    stored = store.open_new(engine, ready())
    assert store.save(engine, stored, stored.state) is stored


def test_a_plan_is_frozen(engine: sa.Engine) -> None:
    stored = store.open_new(engine, ready())
    changed = structs.replace(stored.state, plan=plan(alpha_rollback=0.5))
    with pytest.raises(RolloutError, match="plan was changed"):
        store.save(engine, stored, changed)
    assert store.current(engine, "alpha") == stored


def test_nothing_to_claim(engine: sa.Engine) -> None:
    with pytest.raises(RolloutError, match="no rollout is open"):
        store.claim(engine, "alpha")


def test_a_claim_wants_the_lease_that_it_names(engine: sa.Engine) -> None:
    stored = store.open_new(engine, ready())
    with leases.hold(engine, store.lease_name("alpha"), "a controller", 60) as lease:
        assert store.claim(engine, "alpha", lease).fence == stored.fence + 1
        stolen = sa.update(state_store.leases).where(state_store.leases.c.name == lease.name)
        with engine.begin() as connection:
            connection.execute(stolen.values(token=lease.token + 1))
        with pytest.raises(BusyError):
            store.claim(engine, "alpha", lease)
    current = store.current(engine, "alpha")
    assert current is not None
    assert current.fence == stored.fence + 1


def test_the_history_tells_the_news_with_the_verdicts(engine: sa.Engine) -> None:
    stored = store.open_new(engine, ready())
    for advance in (look, look, good):
        following = advance(stored.state)
        stored = store.save(engine, stored, following.state, following.verdict)
    harm = look(stored.state, exposures(5, 1000, 90, 10))
    store.save(engine, stored, harm.state, harm.verdict)
    told = store.history(engine, "r-1")
    assert [(change.phase, change.weight_percent) for change in told] == [
        ("mirroring", 0),
        ("stepping", 5),
        ("rolled back", 0),
    ]
    assert told[1].verdict is not None
    assert told[1].verdict["outcome"] == "PASSED"
    assert "harm is shown" in told[2].reason
    with (
        pytest.raises((sa.exc.IntegrityError, StateError), match="append-only"),
        engine.begin() as connection,
    ):
        connection.execute(sa.text("DELETE FROM rollout_changes"))


def _meddle(engine: sa.Engine, text: str) -> None:
    with engine.begin() as connection:
        connection.execute(state_store.rollouts.update().values(state=text))


@pytest.mark.parametrize("reader", [store.current, store.latest, store.claim])
def test_a_state_that_was_edited_is_refused_and_not_taken_over(engine, reader) -> None:
    stored = store.open_new(engine, ready())
    with engine.connect() as connection:
        text = connection.execute(sa.select(state_store.rollouts.c.state)).scalar_one()
    _meddle(engine, text.replace('"alpha_rollback":0.01', '"alpha_rollback":0.9'))
    with pytest.raises(StateError, match="something else than a controller") as caught:
        reader(engine, "alpha")
    assert "rollout r-1" in caught.value.where
    _meddle(engine, text)
    assert store.current(engine, "alpha") == stored


def test_what_cannot_be_read_can_be_closed(engine: sa.Engine) -> None:
    stored = store.open_new(engine, ready())
    _meddle(engine, "{")
    assert store.give_up(engine, "alpha", "ann: damaged") == "r-1"
    assert store.give_up(engine, "alpha", "ann: damaged") is None
    last = store.history(engine, "r-1")[-1]
    assert (last.phase, last.weight_percent) == ("aborted", 0)
    assert last.reason == "closed without being read: ann: damaged"
    assert store.current(engine, "alpha") is None
    with pytest.raises(BusyError):
        store.save(engine, stored, good(stored.state).state)
    store.open_new(engine, structs.replace(ready(), plan=plan("r-2")))


def test_a_controller_that_is_killed_leaves_its_last_state(engine, database) -> None:
    store.open_new(engine, ready())
    last = 0
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", _CONTROLLER, str(database)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert process.stdout is not None
        for _ in range(3):
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
        said = max([said, *map(int, process.stdout.read().split())])
        process.stdout.close()
        left = store.current(engine, "alpha")
        assert left is not None
        # What was said had been written; one more may have been written and not said.
        assert last < said <= left.revision <= said + 1
        # One request of ten a look: none is lost, none is counted twice.
        requests = left.state.tally.metrics["errors"].all_challenger.requests
        assert requests == 10 * (left.revision - 1)
        assert routing(left.state).weights["alpha@v1"] == 100
        last = left.revision
    taken = store.claim(engine, "alpha")
    ended = store.save(engine, taken, abort(taken.state))
    assert ended.state.phase is Phase.ABORTED
