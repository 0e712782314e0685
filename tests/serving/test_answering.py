"""Between encoding and answering: limits, the record, and answers that are no numbers."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import CellError, LogError, RequestError
from pipelines.inference.encode import Tensors, encode_rows
from pipelines.schema import Schema
from pipelines.serving.answering import ROWS_ON_THE_LOOP, Answering
from pipelines.serving.context import Asked, asked
from pipelines.serving.metrics import Meters
from pipelines.serving.served import Outputs, ServedModel
from tests.serving import graphs


class Kept:
    """A record that can be held up, or fail."""

    def __init__(self) -> None:
        self.seen: list[tuple[Asked, Outputs]] = []
        self.gate: asyncio.Event | None = None
        self.error: LogError | None = None

    async def keep(self, asked: Asked, tensors: Tensors, outputs: Outputs) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.seen.append((asked, outputs))


def door(folder: Path, schema: Schema = graphs.TABLE, **policy: Any) -> tuple[Answering, Kept]:
    served = graphs.model(folder, schema, **policy)
    kept = Kept()
    return Answering(served, kept, Meters(served)), kept


def rows(count: int, schema: Schema = graphs.TABLE, **changes: Any) -> Tensors:
    return encode_rows(schema, [{**graphs.ROW, **changes}] * count)


@pytest.mark.parametrize("count", [1, ROWS_ON_THE_LOOP, ROWS_ON_THE_LOOP + 1])
def test_an_answer_is_the_models_and_is_recorded(count: int, tmp_path: Path) -> None:
    answering, kept = door(tmp_path / "model")
    known = asked("rest", [])
    outputs = asyncio.run(answering.answer(known, rows(count)))

    assert kept.seen == [(known, outputs)]
    np.testing.assert_allclose(outputs["probability"], [graphs.probability(5.5)] * count, atol=1e-6)


def test_many_rows_do_not_hold_up_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering, _ = door(tmp_path / "model")
    threads: list[int] = []
    monkeypatch.setattr(ServedModel, "answer", noting(threads))
    asyncio.run(answering.answer(asked("rest", []), rows(ROWS_ON_THE_LOOP)))
    asyncio.run(answering.answer(asked("rest", []), rows(ROWS_ON_THE_LOOP + 1)))

    assert threads[0] == threading.get_ident()
    assert threads[1] != threading.get_ident()


def noting(threads: list[int]) -> Any:
    real = ServedModel.answer

    def answer(self: ServedModel, tensors: Tensors) -> Outputs:
        threads.append(threading.get_ident())
        return real(self, tensors)

    return answer


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
    assert len(kept.seen) == 3


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
        is_over.wait(5)
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

    assert asyncio.run(ask()) < 2
    assert kept.seen == []


@pytest.mark.parametrize("count", [1, ROWS_ON_THE_LOOP + 1])
def test_an_answer_that_is_no_number_is_a_fault_of_the_model(count: int, tmp_path: Path) -> None:
    folder = graphs.make(tmp_path / "model", graphs.MINUTES, of_sum="Log")
    served, kept = ServedModel.open(folder), Kept()
    answering = Answering(served, kept, Meters(served))
    good = [{**graphs.ROW}] * (count - 1)
    tensors = encode_rows(graphs.MINUTES, [*good, {**graphs.ROW, "a": -100.0}])

    with pytest.raises(RequestError, match="the model's value is no number") as caught:
        asyncio.run(answering.answer(asked("rest", []), tensors))
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
