"""Between encoding and answering: limits, the record, and answers that are no numbers."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import CellError, LogError, RequestError
from pipelines.inference.encode import Tensors, encode_rows
from pipelines.schema import Schema
from pipelines.serving.answering import ROWS_ON_THE_LOOP, Answer, Answering
from pipelines.serving.context import Asked, Door, asked
from pipelines.serving.metrics import Meters
from pipelines.serving.recording import Requests
from pipelines.serving.served import Outputs, ServedModel
from tests.serving import graphs


class Kept:
    """A record that can be held up, or fail."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[tuple[Asked, int]], Tensors, Outputs]] = []
        self.gate: asyncio.Event | None = None
        self.error: LogError | None = None

    def keep(
        self, requests: Requests, tensors: Tensors, outputs: Outputs
    ) -> asyncio.Future[None] | None:
        if self.error is not None and self.gate is None:
            raise self.error
        self.seen.append((list(requests), tensors, outputs))
        return None if self.gate is None else asyncio.ensure_future(self._wait(self.gate))

    async def _wait(self, gate: asyncio.Event) -> None:
        await gate.wait()
        if self.error is not None:
            raise self.error


class Rows:
    """A request of rows, whose answer is its outputs."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors

    def read(self) -> Tensors:
        return self._tensors

    def write(self, outputs: Outputs) -> Outputs:
        return outputs


def door(folder: Path, schema: Schema = graphs.TABLE, **policy: Any) -> tuple[Answering, Kept]:
    served = graphs.model(folder, schema, **policy)
    kept = Kept()
    return Answering(served, kept, Meters(served)), kept


def rows(count: int, schema: Schema = graphs.TABLE, **changes: Any) -> Rows:
    return Rows(encode_rows(schema, [{**graphs.ROW, **changes}] * count))


def change(monkeypatch: pytest.MonkeyPatch, by: Callable[[Tensors, Outputs], Outputs]) -> None:
    """Have every model answer something else."""
    real = ServedModel.answer
    monkeypatch.setattr(
        ServedModel, "answer", lambda self, tensors: by(tensors, real(self, tensors))
    )


def together(answering: Answering, *requests: Rows, door: Door = "rest") -> list[Any]:
    """What each of them gets when they come at one moment: its outputs, or the error."""

    async def crowd() -> list[Any]:
        return await asyncio.gather(
            *(answering.answer(asked(door, []), request) for request in requests),
            return_exceptions=True,
        )

    return [got.content if isinstance(got, Answer) else got for got in asyncio.run(crowd())]


@pytest.mark.parametrize("count", [1, ROWS_ON_THE_LOOP, ROWS_ON_THE_LOOP + 1])
def test_an_answer_is_the_models_and_is_recorded(count: int, tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model")
    known, request = asked("rest", []), rows(count)
    answer = asyncio.run(answering.answer(known, request))

    [(requests, tensors, outputs)] = kept.seen
    assert requests == [(known, count)]
    assert answer.rows == count
    np.testing.assert_array_equal(tensors["numbers"], request.read()["numbers"])
    expected = [graphs.probability(5.5)] * count
    np.testing.assert_allclose(outputs["probability"], expected, atol=1e-6)
    np.testing.assert_allclose(answer.content["probability"], expected, atol=1e-6)


def test_requests_of_one_moment_are_asked_at_once_and_each_gets_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, kept = door(tmp_path / "model")
    asked_for: list[int] = []

    def count(tensors: Tensors, outputs: Outputs) -> Outputs:
        asked_for.append(len(tensors["numbers"]))
        return outputs

    change(monkeypatch, count)
    counts = [1, 3, 1, ROWS_ON_THE_LOOP, 2]
    got = together(answering, *(rows(count, a=float(i)) for i, count in enumerate(counts)))

    # What is enough for a turn of the loop leaves the rest for the next.
    assert asked_for == [5 + ROWS_ON_THE_LOOP, 2]
    monkeypatch.undo()
    for i, (rows_of_it, outputs) in enumerate(zip(counts, got, strict=True)):
        alone = answering.model.answer(rows(rows_of_it, a=float(i)).read())
        for name, values in alone.items():
            np.testing.assert_array_equal(outputs[name], values)
    recorded = [[count for _, count in requests] for requests, _, _ in kept.seen]
    assert recorded == [[1, 3, 1, ROWS_ON_THE_LOOP], [2]]


def test_what_is_wrong_with_one_request_is_no_matter_to_its_neighbours(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model", required=("a",))
    unwritten = rows(2, a=7.0)
    unwritten.write = failing  # type: ignore[method-assign]
    unread = rows(1)
    unread.read = failing  # type: ignore[method-assign]
    requests = [rows(1), rows(1, a=None), unwritten, unread, rows(3, a=2.0)]
    first, kept_out, not_written, not_read, last = together(answering, *requests)

    assert len(first["probability"]) == 1
    assert isinstance(kept_out, CellError)
    assert isinstance(not_written, RuntimeError)
    assert isinstance(not_read, RuntimeError)
    assert len(last["probability"]) == 3
    # What could not be answered is not in the record.
    [(recorded, tensors, outputs)] = kept.seen
    assert [count for _, count in recorded] == [1, 3]
    place = graphs.TABLE.numbers.index("a")
    assert tensors["numbers"][:, place].tolist() == [graphs.ROW["a"], 2.0, 2.0, 2.0]
    np.testing.assert_array_equal(outputs["probability"][1:], last["probability"])


def failing(*_: object) -> Any:
    raise RuntimeError


def test_a_request_that_the_model_fails_on_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, _ = door(tmp_path / "model")

    def fail(tensors: Tensors, outputs: Outputs) -> Outputs:
        if (tensors["numbers"] == 13).any():
            raise RuntimeError("unlucky")
        return outputs

    change(monkeypatch, fail)
    first, unlucky, last = together(answering, rows(1), rows(1, a=13.0), rows(1))
    assert isinstance(unlucky, RuntimeError)
    np.testing.assert_array_equal(first["probability"], last["probability"])


def test_an_answer_that_is_no_number_is_refused_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, kept = door(tmp_path / "model")

    def spoil(tensors: Tensors, outputs: Outputs) -> Outputs:
        outputs["probability"][(tensors["numbers"] == 13).any(axis=1)] = np.nan
        return outputs

    change(monkeypatch, spoil)
    first, odd, last = together(answering, rows(1), rows(1, a=13.0), rows(1))
    assert isinstance(odd, RequestError)
    assert odd.status == 500
    np.testing.assert_array_equal(first["probability"], last["probability"])
    assert [count for _, count in kept.seen[0][0]] == [1, 1]


def test_who_left_before_is_not_asked_about(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model")

    async def leave() -> None:
        leaving = asyncio.ensure_future(answering.answer(asked("rest", []), rows(1)))
        staying = asyncio.ensure_future(answering.answer(asked("rest", []), rows(2)))
        await asyncio.sleep(0)  # both are waiting for the next turn of the loop
        leaving.cancel()
        await staying

    asyncio.run(leave())
    assert [count for _, count in kept.seen[0][0]] == [2]


def test_who_leaves_while_the_record_is_written_leaves_the_others_theirs(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model")

    async def leave() -> None:
        kept.gate = asyncio.Event()
        leaving, staying = (
            asyncio.ensure_future(answering.answer(asked("rest", []), rows(1))) for _ in range(2)
        )
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.sleep(0.01)
        kept.gate.set()
        await staying

    asyncio.run(leave())


def test_calls_of_grpc_are_answered_however_few_they_are(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model")
    for _ in range(3):
        assert len(together(answering, rows(1), rows(1), door="grpc")) == 2
        assert len(together(answering, rows(1), door="grpc")) == 1
    assert [len(requests) for requests, _, _ in kept.seen] == [2, 1] * 3


def test_the_limit_is_kept_within_one_moment(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model", max_concurrency=2)

    async def crowd() -> list[Any]:
        kept.gate = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, kept.gate.set)
        return await asyncio.gather(
            *(answering.answer(asked("rest", []), rows(1)) for _ in range(5)),
            return_exceptions=True,
        )

    got = asyncio.run(crowd())
    assert [isinstance(each, Answer) for each in got] == [True, True, False, False, False]
    assert {each.status for each in got[2:]} == {503}
    # Nothing is held up when answers need not be waited for.
    kept.gate = None
    assert len(together(answering, *(rows(1) for _ in range(5)))) == 5
    assert sum(len(requests) for requests, _, _ in kept.seen) == 2 + 5


def test_a_write_that_fails_is_told_to_all_who_wait_for_it(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model")
    kept.error = LogError("no space left", where="segment", next_step="free some")
    unwritten = rows(1)
    unwritten.write = failing  # type: ignore[method-assign]

    async def crowd() -> list[Any]:
        kept.gate = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, kept.gate.set)
        return await asyncio.gather(
            *(answering.answer(asked("rest", []), each) for each in (rows(1), unwritten, rows(1))),
            return_exceptions=True,
        )

    for gate in (True, False):
        got = asyncio.run(crowd()) if gate else together(answering, rows(1), unwritten, rows(1))
        kept.gate = None
        assert [type(each) for each in got] == [RequestError, RuntimeError, RequestError]
        assert got[0] is not got[2]
        assert got[0].status == 503


def test_nobody_waits_for_ever_whatever_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, kept = door(tmp_path / "model")

    def full(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", full)
    one, many, other = together(answering, rows(1), rows(ROWS_ON_THE_LOOP + 1), rows(1))
    assert isinstance(many, RuntimeError)
    np.testing.assert_array_equal(one["probability"], other["probability"])

    monkeypatch.setattr(kept, "keep", failing)
    assert {type(each) for each in together(answering, rows(1), rows(2))} == {RuntimeError}


def test_a_model_that_answers_too_few_rows_gives_nobody_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, kept = door(tmp_path / "model")
    change(monkeypatch, lambda _, outputs: {name: part[1:] for name, part in outputs.items()})
    got = together(answering, rows(1), rows(2))
    assert all("rows for" in str(error) for error in got)
    assert kept.seen == []


@pytest.mark.parametrize("count", [1, ROWS_ON_THE_LOOP + 1])
@pytest.mark.parametrize("what", ["answered", "kept out", "unread", "unwritten"])
def test_nothing_of_a_request_stays_when_it_is_through(
    what: str, count: int, tmp_path: Path
) -> None:
    answering, kept = door(tmp_path / "model", required=("a",))

    def refuse(*_: object) -> Any:
        raise RequestError("no", where="body", next_step="", status=422)

    async def ask() -> weakref.ref[Rows]:
        request = rows(count, a=None if what == "kept out" else 1.0)
        if what in ("unread", "unwritten"):
            setattr(request, what.removeprefix("un").replace("written", "write"), refuse)
        with suppress(RequestError, CellError):
            await answering.answer(asked("rest", []), request)
        kept.seen.clear()
        return weakref.ref(request)

    gc.collect()
    gc.disable()  # a body of megabytes must not wait for it
    try:
        left = asyncio.run(ask())
        assert left() is None
    finally:
        gc.enable()


def test_clients_that_left_are_no_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, kept = door(tmp_path / "model")
    kept.error = LogError("no space left", where="segment", next_step="free some")

    async def leave(count: int) -> None:
        kept.gate = asyncio.Event()
        leaving = asyncio.ensure_future(answering.answer(asked("rest", []), rows(count)))
        await asyncio.sleep(0.05)
        leaving.cancel()
        await asyncio.sleep(0)
        kept.gate.set()
        await asyncio.sleep(0.05)

    asyncio.run(leave(1))
    monkeypatch.setattr(ServedModel, "answer", failing)
    asyncio.run(leave(ROWS_ON_THE_LOOP + 1))
    gc.collect()
    assert caplog.records == []


def test_many_rows_do_not_hold_up_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering, _ = door(tmp_path / "model")
    threads: list[int] = []

    def note(_: Tensors, outputs: Outputs) -> Outputs:
        threads.append(threading.get_ident())
        return outputs

    change(monkeypatch, note)
    asyncio.run(answering.answer(asked("rest", []), rows(ROWS_ON_THE_LOOP)))
    asyncio.run(answering.answer(asked("rest", []), rows(ROWS_ON_THE_LOOP + 1)))

    assert threads[0] == threading.get_ident()
    assert threads[1] != threading.get_ident()


def test_a_row_that_the_policy_keeps_out_is_neither_answered_nor_recorded(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model", required=("a",))

    with pytest.raises(CellError, match="the value is missing"):
        asyncio.run(answering.answer(asked("rest", []), rows(1, a=None)))
    assert kept.seen == []


def test_no_more_requests_are_answered_at_once_than_allowed(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model", max_concurrency=2)

    async def crowd() -> None:
        kept.gate = asyncio.Event()
        waiting = [
            asyncio.ensure_future(answering.answer(asked("rest", []), rows(1))) for _ in range(2)
        ]
        await asyncio.sleep(0.01)
        with pytest.raises(RequestError, match="2 requests are being answered") as caught:
            await answering.answer(asked("rest", []), rows(1))
        assert caught.value.status == 503
        kept.gate.set()
        await asyncio.gather(*waiting)
        await answering.answer(asked("rest", []), rows(1))

    asyncio.run(crowd())
    assert [len(requests) for requests, _, _ in kept.seen] == [2, 1]


def test_refusals_leave_room_for_others(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model", max_concurrency=1, required=("a",))
    for _ in range(3):
        with pytest.raises(CellError):
            asyncio.run(answering.answer(asked("rest", []), rows(1, a=None)))
    asyncio.run(answering.answer(asked("rest", []), rows(1)))

    assert len(kept.seen) == 1


def test_an_answer_that_cannot_be_recorded_is_not_given(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model")
    kept.error = LogError("no space left", where="segment", next_step="free some")

    with pytest.raises(RequestError, match="prediction log: no space left") as caught:
        asyncio.run(answering.answer(asked("rest", []), rows(1)))
    assert caught.value.status == 503


def test_an_answer_that_takes_too_long_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, kept = door(tmp_path / "model", timeout_seconds=0.05)
    is_over = threading.Event()

    def slow(self: ServedModel, tensors: Tensors) -> Outputs:
        is_over.wait(60)
        return {}

    monkeypatch.setattr(ServedModel, "answer", slow)

    async def ask() -> float:
        started = time.monotonic()
        with pytest.raises(RequestError, match=r"no answer within 0\.05 s") as caught:
            await answering.answer(asked("rest", []), rows(ROWS_ON_THE_LOOP + 1))
        assert caught.value.status == 504
        taken = time.monotonic() - started
        is_over.set()
        return taken

    assert asyncio.run(ask()) < 30
    assert kept.seen == []


@pytest.mark.parametrize("count", [1, ROWS_ON_THE_LOOP + 1])
def test_an_answer_that_is_no_number_is_a_fault_of_the_model(count: int, tmp_path: Path) -> None:
    folder = graphs.make(tmp_path / "model", graphs.MINUTES, of_sum="Log")
    served, kept = ServedModel.open(folder), Kept()
    answering = Answering(served, kept, Meters(served))
    good = [{**graphs.ROW}] * (count - 1)
    tensors = encode_rows(graphs.MINUTES, [*good, {**graphs.ROW, "a": -100.0}])

    with pytest.raises(RequestError, match="the model's value is no number") as caught:
        asyncio.run(answering.answer(asked("rest", []), Rows(tensors)))
    assert caught.value.status == 500
    assert f"row {count - 1} " in caught.value.where
    assert kept.seen == []


def test_a_request_is_counted_with_its_rows(tmp_path: Path) -> None:
    answering, _ = door(tmp_path / "model")
    answering.through(asked("grpc", []), 200, 7)
    answering.through(asked("grpc", []), 422)
    text = answering._meters.exposition().decode()

    assert 'evergreen_requests_total{door="grpc",outcome="answered"} 1.0' in text
    assert 'evergreen_requests_total{door="grpc",outcome="refused"} 1.0' in text
    assert 'evergreen_rows_total{door="grpc"} 7.0' in text
    assert 'evergreen_request_seconds_count{door="grpc"} 1.0' in text


def test_a_record_that_is_not_written_is_not_waited_for(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model", timeout_seconds=0.05)

    async def ask() -> None:
        kept.gate = asyncio.Event()
        with pytest.raises(RequestError, match=r"log: not recorded within 0\.05 s") as caught:
            await answering.answer(asked("rest", []), rows(1))
        assert caught.value.status == 503
        # Its neighbours' record is the same one, and is not given up with it.
        patient = asked("rest", [])
        patient = patient._replace(started_ns=patient.started_ns + 60 * 10**9)
        late = asyncio.ensure_future(answering.answer(patient, rows(1)))
        await asyncio.sleep(0.01)
        kept.gate.set()
        assert (await late).rows == 1

    asyncio.run(ask())


def test_what_a_body_took_is_taken_from_the_time_of_the_answer(tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model", timeout_seconds=60.0)
    late = asked("rest", [])
    late = late._replace(started_ns=late.started_ns - 60 * 10**9)

    async def ask() -> None:
        kept.gate = asyncio.Event()
        with pytest.raises(RequestError, match="not recorded within 60 s"):
            await answering.answer(late, rows(1))

    began = time.monotonic()
    asyncio.run(ask())
    assert time.monotonic() - began < 30
