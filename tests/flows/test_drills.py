"""Drills without a stack: what is measured, what is told of it, and the clients that ask."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import trustme
import uvicorn

from flows import drilling
from flows.drills import copied, ground, measuring, page
from flows.drills.answers import Answer, Bad, bad, gap_seconds, seconds_to_zero
from flows.drills.door import Door, Row, Subject
from flows.drills.load import PATIENCE_SECONDS, Load, post
from flows.drills.result import Moment, Result, problems
from flows.drills.running import NAMES
from flows.drills.scenarios import LIMITS, SCENARIOS, TO_ZERO
from flows.throwaway import MODEL
from flows.views import drills as views
from pipelines.errors import GatewayError, SettingsError
from pipelines.gateway.access_log import Access
from pipelines.settings.loading import parse, read_params
from tests.throwaway import REPOSITORY
from tests.waiting import until

V1, V2, V3 = "flights@v1", "flights@v2", "flights@v3"


def answer(
    started: float, status: int = 200, *, tries: int = 1, is_fallback: bool = False
) -> Answer:
    return Answer("r", started, started + 0.1, status, tries, is_fallback)


def access(time: float, arm: str, answered: str | None = None, percent: int = 25) -> Access:
    return Access(
        time=time,
        model="flights",
        kind="predict",
        arm=arm,
        answered=answered or arm,
        status=200,
        grpc_status=None,
        flags="",
        details="",
        attempts=1,
        duration_ms=100.0,
        latency_ms=90.0,
        request_id="r",
        subject=None,
        session=None,
        generation=1,
        weights={V1: 100 - percent, V2: percent} if percent else {V1: 100},
        mirror=None,
        try_ms=1000.0,
        path="/predict",
    )


def test_what_clients_should_not_see_is_counted_by_kind() -> None:
    answers = [
        answer(0),
        answer(1, 503),
        answer(2, 429),
        answer(3, 0, tries=9),
        answer(4, is_fallback=True),
        answer(5, tries=3),
    ]
    accesses = [access(0, V2, V1), access(1, V2), access(2, V1, V3), access(3, V1, V2, percent=0)]
    found = bad(answers, accesses, V1)
    assert found == Bad(errors=2, unanswered=1, fallbacks=1, wrong_versions=2)
    assert found.total == 6


def test_how_long_nobody_was_served() -> None:
    answers = [answer(9.95), answer(10.0, 0), answer(10.2), answer(10.1, 503), answer(11)]
    assert gap_seconds(answers, 10.0) == pytest.approx(0.3)
    assert gap_seconds(answers, 12.0) is None


@pytest.mark.parametrize(
    ("starts", "seconds"),
    [
        ([(9.0, 25), (10.5, 25), (10.7, 0)], 0.5),
        ([(9.0, 25), (10.5, 0)], 0.0),
        ([(10.5, 25)], None),
        ([(9.0, 0)], None),
        ([], None),
    ],
    ids=["went-on", "at-once", "goes-on", "nothing-after", "nothing"],
)
def test_when_nobody_was_sent_there_any_more(
    starts: list[tuple[float, int]], seconds: float | None
) -> None:
    accesses = [access(at + 0.1, V2 if percent else V1, None, percent) for at, percent in starts]
    assert seconds_to_zero(accesses, V2, 10.0) == pytest.approx(seconds)


def test_what_is_not_as_it_should_be_is_said() -> None:
    none = Bad(0, 0, 0, 0)
    assert problems("promoted", "promoted", none, {TO_ZERO: 2.0, "other": 99.0}, LIMITS) == []
    found = problems("promoted", "aborted", Bad(3, 0, 1, 0), {TO_ZERO: float("nan")}, LIMITS)
    assert found[0] == "aborted, and should be promoted"
    assert found[1] == "clients saw 3 errors, 1 fallbacks"
    assert TO_ZERO in found[2]


def test_a_timeline_holds_the_weight_and_shows_what_was_bad() -> None:
    accesses = [access(100.2, V1), access(100.4, V2), access(102.5, V1, percent=0)]
    found = measuring.timeline([answer(101.5, 503)], accesses, V2, begin=100.0)
    assert [each.percent for each in found] == [25, 25, 0]
    assert found[0].answered == {V1: 1, V2: 1}
    assert [each.bad for each in found] == [0, 1, 0]
    assert measuring.timeline([], [], V2, 0.0) == []


def result(**more: Any) -> Result:
    given: dict[str, Any] = {
        "name": "errors",
        "title": "half of <its> answers are 503",
        "expected": "rolled back",
        "real": "rolled back",
        "reason": "harm is shown",
        "decision_seconds": 30.0,
        "measured": {TO_ZERO: 0.25},
        "requests": 3000,
        "sent_again": 2,
        "bad": Bad(0, 0, 0, 0),
        "problems": (),
        "timeline": [Moment(0, 25, {V1: 75, V2: 25}, 0), Moment(1, 0, {V1: 90}, 1)],
        "marks": [(0.5, "kill -9 of Envoy"), (0.9, "kill -9 of Envoy")],
    }
    return Result(**{**given, **more})


def test_the_page_shows_each_drill_and_nothing_from_elsewhere() -> None:
    failed = result(name="slow", real="promoted", problems=["promoted, and should be rolled back"])
    html = page.page([result(), failed], "today", 100)
    assert "1 of 2 drills" in html
    assert "&lt;its&gt;" in html
    assert html.count("<svg") == 2
    assert html.count("kill -9 of Envoy") == 2
    assert 'src="http' not in html
    assert "no client noticed" in page.page([result(timeline=())], "today", 100)


def test_the_table_and_the_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    failed = result(bad=Bad(3, 0, 0, 0), problems=["clients saw 3 errors"], decision_seconds=None)
    views.show_drills([result(), failed], Path("drills.html"), as_json=False)
    shown = capsys.readouterr().out
    assert f"{TO_ZERO} 0.25 s" in shown
    assert "errors: clients saw 3 errors" in shown
    views.show_drills([failed], Path("drills.html"), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["drills"][0]["bad"]["errors"] == 3
    assert told["drills"][0]["is_as_expected"] is False
    assert "NOT as expected" in views.line(failed)


def test_drills_are_chosen_by_name() -> None:
    assert drilling.chosen_of([]) == list(NAMES)
    assert drilling.chosen_of(["slow", "good"]) == ["slow", "good"]
    with pytest.raises(SettingsError, match="there is no drill fire"):
        drilling.chosen_of(["fire"])


def test_every_limit_is_of_something_that_is_measured() -> None:
    assert {each.version for each in SCENARIOS.values()} == {ground.GOOD, ground.WRONG}
    assert all(limit > 0 for limit in LIMITS.values())


def test_the_parameters_of_a_drill_are_valid() -> None:
    model = read_params(REPOSITORY)["models"][MODEL]
    known = parse(ground.params(model, [21, 22, 23]))
    chosen = known.model(MODEL)
    assert (known.gateway.port, known.gateway.metrics_port, known.identity.port) == (21, 22, 23)
    assert chosen.retrain.release == "staged"
    assert chosen.rollout.steps == (25, 50, 100)
    assert known.identity.mode == "jwt"
    assert known.gateway.tls.mode == "local"


def test_a_swapped_model_answers_the_opposite_and_is_signed(tmp_path: Path) -> None:
    from pipelines.frames import tensors
    from pipelines.inference.session import ModelSession
    from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE
    from tests.model_folder import make_model_folder

    right, swapped = tmp_path / "right", tmp_path / "swapped"
    make_model_folder(right, rows=600, seed=3)
    shutil.copytree(right, swapped)
    copied.swap(swapped)
    before, after = ModelSession.open(right), ModelSession.open(swapped)
    golden = pd.read_parquet(right / GOLDEN_FILE)
    asked = tensors(golden, before.signature.schema)
    old, new = before.predict(asked), after.predict(asked)
    np.testing.assert_allclose(new.scores, 1 - old.scores, atol=1e-6)
    np.testing.assert_array_equal(new.labels, 1 - old.labels)
    expected = pd.read_parquet(swapped / GOLDEN_FILE)[GOLDEN_ANSWER]
    np.testing.assert_allclose(new.scores, expected, atol=1e-4)


class _Front:
    """A gateway that gives tokens, answers as it is told to, and keeps the labels."""

    def __init__(self) -> None:
        self.labels: list[dict[str, str]] = []
        self.sessions: set[str] = set()
        self.subjects: set[str] = set()
        self.status, self.label_status = 200, 200
        self.is_mute = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, has_more = b"", True
        while has_more:
            message = await receive()
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        if self.is_mute:
            await receive()  # the client goes away
            return
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        status, content, more = 200, {}, []
        if scope["path"] == "/token":
            self.subjects.add(headers["authorization"])
            content = {"access_token": headers["authorization"][-8:], "expires_in": 600}
        elif scope["path"] == "/flights/feedback":
            status = self.label_status
            self.labels += json.loads(body)["labels"]
        else:
            status = self.status
            self.sessions.add(headers["x-session-id"])
            more = [(b"x-evergreen-fallback", b"true")] if status == 203 else []
        await send({"type": "http.response.start", "status": status, "headers": more})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})


@contextmanager
def _served(front: _Front, tmp_path: Path) -> Iterator[Door]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # Who comes before the server has begun waits, and is not refused.
        listener.listen()
        config = uvicorn.Config(
            front,
            log_level="error",
            lifespan="off",
            ssl_certfile=str(certificate),
            ssl_keyfile=str(key),
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            rows = [Row(b'{"rows": [{}]}', "1")]
            address = f"https://127.0.0.1:{listener.getsockname()[1]}"
            yield Door(address, tmp_path / "authority.pem", "flights", rows)
        finally:
            server.should_exit = True
            thread.join()


def _load(door: Door) -> Load:
    asking = [Subject(f"shop-{n}", "secret", "predict:flights") for n in range(2)]
    return Load(door, asking, Subject("labels", "secret", "feedback"), per_second=50)


def test_clients_ask_as_many_and_tell_what_was_true(tmp_path: Path) -> None:
    front = _Front()
    with _served(front, tmp_path) as door, _load(door) as load:
        until(lambda: len(front.labels) >= 20)
        front.status = 503
        until(lambda: any(each.status == 503 for each in load.between(0, time.time())))
        seen = load.between(0, time.time())
    assert len(front.subjects) == 3
    assert len(front.sessions) >= len(seen)
    assert {each.status for each in seen} == {200, 503}
    told = {each["request_id"] for each in front.labels}
    assert told <= {each.request_id for each in load.between(0, time.time()) if each.is_good}


def test_a_gateway_that_is_gone_is_tried_again_and_then_given_up(tmp_path: Path) -> None:
    front = _Front()
    with _served(front, tmp_path) as door:
        load = _load(door)
        load.__enter__()
        until(lambda: load.between(0, time.time()))
    # Those before may have been under way, and be left without an answer.
    gone = time.time()
    until(lambda: load.between(gone, time.time()))
    refused = load.between(gone, time.time())
    assert {each.status for each in refused} == {0}
    assert all(each.tries > 1 and not each.is_good for each in refused)
    assert all(each.ended - each.started > PATIENCE_SECONDS for each in refused)
    load.__exit__(ValueError, ValueError(), None)


def test_a_request_that_is_not_answered_in_time_is_not_sent_again(tmp_path: Path) -> None:
    front = _Front()
    front.is_mute = True

    async def ask(door: Door) -> tuple[httpx.Response | None, int]:
        trust = ssl.create_default_context(cafile=str(door.authority))
        async with httpx.AsyncClient(
            base_url=door.address, verify=trust, timeout=0.5, trust_env=False
        ) as http:
            return await post(http, "/flights/predict", door.rows[0].body, {})

    with _served(front, tmp_path) as door:
        assert asyncio.run(ask(door)) == (None, 1)


def test_labels_that_are_refused_end_the_load(tmp_path: Path) -> None:
    front = _Front()
    front.label_status = 403
    with (
        _served(front, tmp_path) as door,
        pytest.raises(GatewayError, match="labels are refused"),
        _load(door) as load,
    ):
        # It raises what ended the load as soon as something did.
        until(lambda: load.require() is not None)


def test_who_gets_no_token_says_so(tmp_path: Path) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient(base_url="http://127.0.0.1:9", trust_env=False) as http:
            await Subject("shop", "secret", "feedback").headers(http)

    with pytest.raises(GatewayError, match="shop gets no token"):
        asyncio.run(ask())
