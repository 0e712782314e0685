"""Changes while clients ask, foreign hands, refusals, and an Envoy that is not there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.errors import BusyError, GatewayError
from pipelines.gateway import Table, applying, dynamic, locking
from pipelines.gateway.locking import locked
from pipelines.gateway.prepared import Prepared
from tests.gateway.gate import Gate, gate, table, version_of
from tests.gateway.upstreams import Fleet

V2, V3, V4 = "flights@v2", "flights@v3", "flights@v4"


class _Load:
    """Clients that ask without a pause, and what became of it."""

    def __init__(self, url: str, clients: int) -> None:
        self._url, self._clients = url, clients
        self._end = threading.Event()
        self.answers: Counter[int | str] = Counter()

    def run(self) -> None:
        asyncio.run(self._all())

    def end(self) -> None:
        self._end.set()

    async def _all(self) -> None:
        await asyncio.gather(*(self._one(str(number)) for number in range(self._clients)))

    async def _one(self, session: str) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=20) as client:
            while not self._end.is_set():
                try:
                    headers = {"x-session-id": session}
                    answer = await client.post("/flights/predict", json={}, headers=headers)
                    self.answers[answer.status_code] += 1
                except httpx.TransportError as error:
                    self.answers[repr(error)] += 1
                # Two cores are Envoy's, the servers' and ours: leave some to the changes.
                await asyncio.sleep(0.02)


@contextmanager
def load(url: str, clients: int = 3) -> Iterator[_Load]:
    found = _Load(url, clients)
    thread = threading.Thread(target=found.run)
    thread.start()
    try:
        yield found
    finally:
        found.end()
        thread.join(30)


def test_fifty_changes_under_load_cost_no_request(running: Gate, fleet: Fleet) -> None:
    champion, challenger = fleet.start(V3), fleet.start(V4)
    first = running.apply(table(champion, challenger))
    with load(running.url) as clients:
        for change in range(50):
            percent = 2 * change + 1
            running.apply(table(champion, challenger, weights={V3: 100 - percent, V4: percent}))
    assert running.admin.taken("routes.json").version.startswith(f"{first + 50}:")
    assert set(clients.answers) == {200}
    assert clients.answers[200] > 100


@pytest.mark.slow
def test_versions_that_come_move_and_go_under_load_cost_no_request(
    running: Gate, fleet: Fleet
) -> None:
    champion, challenger, spare = fleet.start(V3), fleet.start(V4), fleet.start(V4)
    for each in (champion, challenger, spare):
        each.delay = 0.02  # so that requests are under way when a cluster goes
    tables = [
        table(champion),
        table(champion, challenger, mirror=V4),
        table(champion, challenger, weights={V3: 50, V4: 50}),
        table(champion, challenger, spare, weights={V3: 50, V4: 50}),
        table(champion, spare, weights={V3: 10, V4: 90}, fallback={"label": 1}),
        table(spare, champion, previous=V3),
        table(spare),
        table(spare, champion, weights={V4: 0, V3: 100}),
    ]
    running.apply(tables[0])
    with load(running.url) as clients:
        for wanted in tables * 3:
            running.apply(wanted)
    assert set(clients.answers) == {200}
    assert clients.answers[200] > 50


def test_the_same_table_again_changes_nothing(running: Gate, fleet: Fleet) -> None:
    wanted = table(fleet.start(V3))
    generation = running.apply(wanted)
    before = {name: (running.folder / name).stat().st_mtime_ns for name in dynamic.FILES}
    assert running.apply(wanted) == generation
    after = {name: (running.folder / name).stat().st_mtime_ns for name in dynamic.FILES}
    assert after == before


def test_generations_grow_and_envoy_says_which_it_has(running: Gate, fleet: Fleet) -> None:
    server = fleet.start(V3)
    one = running.apply(table(server))
    assert running.apply(table(server, timeout_seconds=9.0)) == one + 1
    before = {name: dynamic.read(running.folder / name) for name in dynamic.FILES}
    # What has not changed was left alone.
    assert [name for name, file in before.items() if file and file.generation == one + 1] == [
        "routes.json"
    ]
    assert running.admin.taken("routes.json").version.startswith(f"{one + 1}:")


@pytest.mark.parametrize("name", dynamic.FILES)
def test_a_file_edited_by_hand_is_kept_aside_and_replaced(
    running: Gate, fleet: Fleet, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = table(fleet.start(V3))
    generation = running.apply(wanted)
    path = running.folder / name
    path.write_text(path.read_text() + "# fights\n")
    assert running.apply(wanted) > generation
    assert version_of(running.predict()) == V3
    assert dynamic.read(path) is not None
    assert "fights" in path.with_name(f"{name}.edited").read_text()
    assert "was not written by Evergreen" in caplog.text
    assert name in caplog.text


@pytest.mark.parametrize("name", dynamic.FILES)
def test_a_file_that_is_gone_comes_back(running: Gate, fleet: Fleet, name: str) -> None:
    wanted = table(fleet.start(V3))
    running.apply(wanted)
    (running.folder / name).unlink()
    running.apply(wanted)
    assert dynamic.read(running.folder / name) is not None
    assert version_of(running.predict()) == V3


def test_what_envoy_refuses_is_not_left_behind(
    running: Gate, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fleet.start(V3)
    wanted = table(server)
    running.apply(wanted)
    before = (running.folder / "clusters.json").read_text()
    real = Prepared.render

    def render(self: Prepared, *given: Any, **more: Any) -> dict[str, dynamic.Discovery]:
        content = real(self, *given, **more)
        text = json.dumps(content["routes.json"].resources).replace("rest/chain", "rest/chian")
        routes = replace(content["routes.json"], resources=json.loads(text))
        return {**content, "routes.json": routes}

    with monkeypatch.context() as patch:
        # As if the preflight had been blind for what the running Envoy minds.
        patch.setattr(Prepared, "render", render)
        patch.setattr(applying, "require_valid", lambda *_: None)
        with pytest.raises(GatewayError, match="refused it"):
            running.apply(table(server, timeout_seconds=7.0))
    assert (running.folder / "clusters.json").read_text() == before
    assert version_of(running.predict()) == V3
    running.apply(wanted)
    assert version_of(running.predict()) == V3


def test_what_the_preflight_refuses_reaches_no_file(
    running: Gate, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fleet.start(V3)
    running.apply(table(server))
    before = {name: (running.folder / name).read_bytes() for name in dynamic.FILES}
    monkeypatch.setattr("pipelines.gateway.routes._BY_STATUS", 5)
    with pytest.raises(GatewayError, match="would not take it") as raised:
        running.apply(table(server, timeout_seconds=8.0))
    assert "retry_on" in str(raised.value)
    assert before == {name: (running.folder / name).read_bytes() for name in dynamic.FILES}


def test_an_envoy_that_is_down_finds_the_files_when_it_starts(fleet: Fleet) -> None:
    server = fleet.start(V3)
    with gate(is_started=False) as found:
        assert found.apply(table(server)) == 2
        assert found.start() < 10
        assert version_of(found.predict()) == V3
        found.kill()
        found.apply(table(server, weights={V3: 100}, fallback={"label": 1}))
        found.start()
        fleet.end(server)
        assert found.predict().json() == {"label": 1}


def test_an_envoy_that_hangs_is_an_error_and_finds_the_files_later(fleet: Fleet) -> None:
    old, new = fleet.start(V3), fleet.start(V4)
    with gate() as found:
        found.apply(table(old, new))
        assert found.process is not None
        found.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(GatewayError, match="does not answer"):
                found.apply(table(old, new, weights={V4: 100}))
        finally:
            found.process.send_signal(signal.SIGCONT)
        found.apply(table(old, new, weights={V4: 100}))
        assert version_of(found.predict()) == V4


def test_a_version_that_is_not_ready_is_waited_for_in_vain_only_once(
    running: Gate, fleet: Fleet, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "WARM_SECONDS", 0.3)
    champion, cold = fleet.start(V3), fleet.start(V4, is_ready=False)
    running.apply(table(champion))
    running.apply(table(champion, cold, weights={V4: 100}))
    assert "not ready, and routed to: flights@v4/grpc, flights@v4/rest" in caplog.text
    assert version_of(running.predict()) == V3


def test_two_at_once_do_not_mix(running: Gate, fleet: Fleet) -> None:
    servers = fleet.start(V3), fleet.start(V4)
    running.apply(table(*servers))
    seen: list[Any] = []

    def change(percents: list[int]) -> None:
        try:
            for percent in percents:
                weights = {V3: 100 - percent, V4: percent}
                seen.append(running.apply(table(*servers, weights=weights)))
        except Exception as error:
            seen.append(error)

    threads = [
        threading.Thread(target=change, args=([start, start + 1, start + 2],)) for start in (10, 60)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(seen)) == 6
    assert all(isinstance(each, int) for each in seen)
    assert dynamic.read_all(running.folder) is not None


def test_who_waits_too_long_for_the_lock_is_told(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(BusyError, match="changed by somebody else"),
        locked(tmp_path, patience_seconds=0.05),
    ):
        pass
    with locked(tmp_path, patience_seconds=0):
        assert (tmp_path / locking.LOCK_FILE).exists()


@pytest.mark.parametrize("now", [float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(running: Gate, now: float) -> None:
    with pytest.raises(GatewayError, match="no time"):
        running.apply(Table(), now=now)


def test_a_folder_without_prepare_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="not prepared") as raised:
        applying.apply(tmp_path, Table(), time.time())
    assert raised.value.next_step == "run `evergreen up`"


def test_a_model_that_came_after_prepare_is_refused(running: Gate, fleet: Fleet) -> None:
    [one] = table(fleet.start(V3)).models
    server = fleet.start("trips@v1")
    other = type(one)("trips", "trips@v1", {"trips@v1": 100}, {"trips@v1": (server.endpoint,)})
    with pytest.raises(GatewayError, match="nothing says who may ask 'trips'"):
        running.apply(Table((one, other)))


def test_a_changer_that_is_killed_anywhere_leaves_what_the_next_one_mends(
    fleet: Fleet,
) -> None:
    champion, challenger = fleet.start(V3), fleet.start(V4)
    before = table(champion)
    after = table(champion, challenger, weights={V3: 50, V4: 50})
    with gate() as found:
        found.apply(before)
        for step in range(1, 6):
            child = os.fork()
            if child == 0:
                _die_at_write(found, after if step % 2 else before, step % 4 or 4)
            os.waitpid(child, 0)
            assert version_of(found.predict()) in (V3, V4)
            found.kill()
            found.start()
            assert version_of(found.predict()) in (V3, V4)
            wanted = before if step % 2 else after
            found.apply(wanted)
            expected = {V3} if step % 2 else {V3, V4}
            assert {version_of(found.predict()) for _ in range(30)} == expected


def _die_at_write(found: Gate, wanted: Table, number: int) -> None:
    """In a child: be killed after so many writes, as SIGKILL would have it."""
    real, written = dynamic.Discovery.write, 0

    def write(self: dynamic.Discovery, path: Path) -> None:
        nonlocal written
        real(self, path)
        written += 1
        if written == number:
            os.kill(os.getpid(), signal.SIGKILL)

    dynamic.Discovery.write = write  # type: ignore[method-assign]
    try:
        found.apply(wanted)
    finally:
        os._exit(1)
