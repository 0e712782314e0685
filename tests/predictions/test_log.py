"""The log takes what it can without waiting, and counts what it cannot."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import LogError
from pipelines.predictions import names, read
from pipelines.predictions.appending import Appender
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.queue import QUEUE_BYTES
from pipelines.schema import Schema
from tests.predictions.factories import (
    BINARY,
    IMAGE,
    KEY,
    MULTICLASS,
    REGRESSION,
    answered,
    python,
    wordy,
)
from tests.waiting import until

FAST = LogPolicy()
AUDIT = LogPolicy(mode="audit")


def ids(folder: Path) -> list[str]:
    return read.read(folder).column("request_id").to_pylist()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[PredictionLog]:
    opened = PredictionLog.open(tmp_path, BINARY, FAST, None)
    yield opened
    opened.close(20)


class Gate:
    """Holds the writer before each append, as a disk does that does not answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_held = threading.Event()
        self.may_go = threading.Event()
        append = Appender.append

        def wait_and_append(appender: Appender, batch: pa.RecordBatch) -> None:
            self.is_held.set()
            assert self.may_go.wait(20)
            append(appender, batch)

        monkeypatch.setattr(Appender, "append", wait_and_append)


@pytest.mark.parametrize(
    "schema", [BINARY, MULTICLASS, REGRESSION, IMAGE], ids=["binary", "classes", "value", "image"]
)
def test_what_is_offered_is_read_back(tmp_path: Path, schema: Schema) -> None:
    log = PredictionLog.open(tmp_path, schema, FAST, None)
    for number in range(5):
        assert log.offer(answered(number, rows=2, schema=schema))
    log.close(20)
    assert ids(tmp_path) == [f"request-{number}" for number in range(5) for _ in range(2)]
    assert (log.counts.written, log.counts.queued, log.counts.problem) == (10, 0, None)
    assert [path.suffix for path in tmp_path.iterdir()] == [".parquet"]


def test_what_is_offered_is_soon_there(log: PredictionLog, tmp_path: Path) -> None:
    log.offer(answered())
    until(lambda: log.counts.written == 1)
    assert ids(tmp_path) == ["request-0"]


def test_many_offers_become_few_batches(log: PredictionLog, tmp_path: Path) -> None:
    for number in range(1000):
        log.offer(answered(number))
    until(lambda: log.counts.queued == 0)
    with pa.OSFile(str(names.streams(tmp_path)[0])) as file:
        assert len(list(pa.ipc.open_stream(file))) <= 5


def test_what_was_written_is_there_when_write_returns(tmp_path: Path) -> None:
    log = PredictionLog.open(tmp_path, BINARY, AUDIT, None)

    async def write_and_look() -> None:
        for number in range(5):
            await log.write(answered(number))
            assert ids(tmp_path)[-1] == f"request-{number}"

    asyncio.run(write_and_look())
    log.close(20)


def test_writes_at_one_time_share_a_batch(tmp_path: Path) -> None:
    log = PredictionLog.open(tmp_path, BINARY, AUDIT, None)

    async def write_many() -> None:
        await asyncio.gather(*(log.write(answered(number)) for number in range(200)))

    asyncio.run(write_many())
    with pa.OSFile(str(names.streams(tmp_path)[0])) as file:
        assert len(list(pa.ipc.open_stream(file))) < 100
    log.close(20)
    assert sorted(ids(tmp_path)) == sorted(f"request-{number}" for number in range(200))


def test_drops_are_counted_exactly_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    log = PredictionLog.open(tmp_path, BINARY, LogPolicy(queue_rows=100), None)
    log.offer(answered(0, rows=10))
    assert gate.is_held.wait(20)
    begun = time.monotonic()
    taken = [log.offer(answered(number, rows=7)) for number in range(1, 1001)]
    assert time.monotonic() - begun < 10  # the writer is held for longer
    # The ten that the writer holds count as well: 10 + 12 * 7 = 94, and 7 more would be 101.
    assert taken == [True] * 12 + [False] * 988
    assert (log.counts.queued, log.counts.dropped) == (94, 988 * 7)
    gate.may_go.set()
    log.close(20)
    assert (log.counts.written, log.counts.dropped, log.counts.failed) == (94, 988 * 7, 0)
    assert len(ids(tmp_path)) == 94


def test_memory_is_bounded_while_the_disk_does_not_answer(tmp_path: Path) -> None:
    code = """
import sys, threading, psutil
from pathlib import Path
from pipelines.predictions.appending import Appender
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from tests.predictions.factories import BINARY, answered
held = threading.Event()
Appender.append = lambda self, batch: held.wait()
log = PredictionLog.open(Path(sys.argv[1]), BINARY, LogPolicy(queue_rows=1000), None)
process = psutil.Process()
def fill(count):
    for number in range(count):
        log.offer(answered(number, rows=10))
    return process.memory_info().rss
before = fill(2000)
print((fill(20000) - before) / 2**20, log.counts.queued)
"""
    grown, queued = python(code, tmp_path).split()
    assert float(grown) < 20
    assert int(queued) <= 1000


def test_memory_is_bounded_whatever_a_row_holds(tmp_path: Path) -> None:
    code = """
import sys, threading, psutil
from pathlib import Path
from pipelines.predictions.appending import Appender
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from tests.predictions.factories import BINARY, answered, wordy
held = threading.Event()
Appender.append = lambda self, batch: held.wait()
log = PredictionLog.open(Path(sys.argv[1]), BINARY, LogPolicy(), None)
log.offer(answered())
before = psutil.Process().memory_info().rss
for number in range(200):
    log.offer(wordy(number, 3_900_000))
grown = psutil.Process().memory_info().rss - before
print(grown / 2**20, log.counts.queued, log.counts.dropped)
"""
    grown, queued, dropped = python(code, tmp_path).split()
    assert float(grown) < 110  # 64 that wait, and what the writer makes of 8 of them
    assert int(queued) == 201 - int(dropped) == 1 + (64 << 20) // 3_900_000


def test_a_record_of_any_size_is_taken_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    log = PredictionLog.open(tmp_path, BINARY, FAST, None)
    assert log.offer(wordy(1, QUEUE_BYTES))
    assert gate.is_held.wait(20)
    assert not log.offer(answered(2))
    gate.may_go.set()
    until(lambda: log.counts.queued == 0)
    assert log.offer(answered(3))
    log.close(20)
    assert (log.counts.written, log.counts.dropped) == (2, 1)
    assert ids(tmp_path) == ["request-1", "request-3"]


def test_what_audit_has_no_memory_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    log = PredictionLog.open(tmp_path, BINARY, AUDIT, None)

    async def write_two() -> None:
        first = asyncio.create_task(log.write(wordy(1, QUEUE_BYTES - 4000)))
        await asyncio.sleep(0)
        until(gate.is_held.is_set)
        with pytest.raises(LogError, match="more than 64 MB would wait to be written"):
            await log.write(wordy(2, 4000))
        gate.may_go.set()
        await first
        await log.write(wordy(3, 4000))

    asyncio.run(write_two())
    log.close(20)
    assert ids(tmp_path) == ["request-1", "request-3"]


def test_a_record_larger_than_the_queue_is_dropped(tmp_path: Path) -> None:
    log = PredictionLog.open(tmp_path, BINARY, LogPolicy(queue_rows=5), None)
    assert not log.offer(answered(rows=6))
    assert log.offer(answered(rows=5))
    log.close(20)
    assert (log.counts.written, log.counts.dropped) == (5, 6)


def test_a_closed_log_takes_nothing(tmp_path: Path) -> None:
    log = PredictionLog.open(tmp_path, BINARY, AUDIT, None)
    log.close(20)
    assert not log.offer(answered())
    assert log.counts.dropped == 1
    with pytest.raises(LogError, match="was closed"):
        asyncio.run(log.write(answered()))
    log.close(20)


def test_closing_says_what_it_could_not_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    log = PredictionLog.open(tmp_path, BINARY, FAST, None)
    log.offer(answered(rows=3))
    with pytest.raises(LogError, match=r"3 rows were not written within 0.2 s"):
        log.close(0.2)
    gate.may_go.set()
    log.close(20)
    assert len(ids(tmp_path)) == 3


def test_a_client_that_left_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    log = PredictionLog.open(tmp_path, BINARY, AUDIT, None)

    async def leave() -> None:
        first = asyncio.create_task(log.write(answered(0)))
        second = asyncio.create_task(log.write(answered(1)))
        await asyncio.sleep(0.05)
        first.cancel()
        gate.may_go.set()
        await second

    asyncio.run(leave())

    async def leave_at_once() -> None:
        gate.may_go.clear()
        task = asyncio.create_task(log.write(answered(2)))
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(leave_at_once())  # its loop is closed when the record is written
    gate.may_go.set()
    asyncio.run(log.write(answered(3)))
    log.close(20)
    assert sorted(ids(tmp_path)) == [f"request-{number}" for number in range(4)]


def test_an_unfit_record_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    log = PredictionLog.open(tmp_path, BINARY, AUDIT, None)
    unfit = [
        answered(1, tensors={"numbers": np.zeros((1, 2))}),
        answered(3, outputs={"label": np.array([b"1"], dtype=object)}),
        answered(5, outputs={"label": np.array([1j])}),
        answered(7, request_id="\ud800"),
    ]

    async def write_all() -> list[BaseException | None]:
        first = asyncio.create_task(log.write(answered(99)))
        await asyncio.sleep(0)
        until(gate.is_held.is_set)  # so that the others are one group
        others = [
            log.write(each)
            for pair in zip(map(answered, (0, 2, 4, 6)), unfit, strict=True)
            for each in pair
        ]
        rest = [asyncio.create_task(each) for each in others]
        await asyncio.sleep(0.05)
        gate.may_go.set()
        await first
        return await asyncio.gather(*rest, return_exceptions=True)

    results = asyncio.run(write_all())
    assert [type(result) for result in results] == [type(None), LogError] * 4
    assert "the record is unfit" in str(results[1])
    log.close(20)
    assert (log.counts.written, log.counts.failed) == (5, 4)
    assert sorted(ids(tmp_path)) == [f"request-{number}" for number in (0, 2, 4, 6, 99)]


def test_other_outputs_go_into_another_segment(tmp_path: Path) -> None:
    log = PredictionLog.open(tmp_path, BINARY, FAST, None)
    chain = {"label": np.array([1]), "minutes": np.array([12.5])}
    for number, outputs in enumerate([None, chain, None]):
        log.offer(answered(number, **({"outputs": outputs} if outputs else {})))
    log.close(20)
    assert len(names.parquets(tmp_path)) == 3
    assert read.read(tmp_path).column("output_minutes").to_pylist() == [None, 12.5, None]


def test_segments_end_by_rows_and_by_age(tmp_path: Path) -> None:
    policy = LogPolicy(segment_rows=10, segment_minutes=0.5 / 60)
    log = PredictionLog.open(tmp_path, BINARY, policy, None)
    log.offer(answered(0, rows=10))
    until(lambda: len(names.parquets(tmp_path)) == 1)
    log.offer(answered(1))
    until(lambda: len(names.parquets(tmp_path)) == 2)
    until(lambda: log.counts.unclosed == 0)
    log.close(20)


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    logs = [PredictionLog.open(tmp_path, BINARY, FAST, None) for _ in range(2)]
    for number in range(10):
        logs[number % 2].offer(answered(number))
    for log in logs:
        log.close(20)
    assert sorted(ids(tmp_path)) == [f"request-{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        (LogPolicy(mode="off"), "the log is off"),
        (LogPolicy(identifiers=("origin",)), "there is none"),
        (LogPolicy(features=("nonsense",)), "nonsense"),
    ],
    ids=["off", "no key", "unknown column"],
)
def test_what_cannot_be_logged_is_said_at_once(
    tmp_path: Path, policy: LogPolicy, named: str
) -> None:
    with pytest.raises(LogError, match=named):
        PredictionLog.open(tmp_path, BINARY, policy, None)
    assert list(tmp_path.iterdir()) == []


def test_digests_are_the_same_after_a_restart(tmp_path: Path) -> None:
    policy = LogPolicy(identifiers=("origin",))
    for _ in range(2):
        log = PredictionLog.open(tmp_path, BINARY, policy, KEY)
        log.offer(answered(5))
        log.close(20)
    first, second = read.read(tmp_path).column("feature_origin").to_pylist()
    assert first == second != "origin-5"


def test_a_whole_life_loads_no_pandas(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from tests.predictions.factories import BINARY, answered
log = PredictionLog.open(Path(sys.argv[1]), BINARY, LogPolicy(), None)
log.offer(answered())
log.close(20)
print(log.counts.written, sorted({"pandas", "pydantic", "sqlalchemy"} & set(sys.modules)))
"""
    assert python(code, tmp_path).strip() == "1 []"
    assert len(names.parquets(tmp_path)) == 1


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
ROWS = st.lists(
    st.tuples(st.floats(allow_infinity=False), st.floats(-9, 9), TEXT, TEXT), min_size=1, max_size=4
)


@settings(max_examples=25, deadline=None)
@given(requests=st.lists(ROWS, max_size=12), segment_rows=st.integers(1, 20))
def test_what_was_written_is_read_back_once(
    tmp_path_factory: pytest.TempPathFactory,
    requests: list[list[tuple[float, float, str, str]]],
    segment_rows: int,
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = PredictionLog.open(folder, BINARY, LogPolicy(segment_rows=segment_rows), None)
    wanted = []
    for number, rows in enumerate(requests):
        tensors = {
            "numbers": np.array([row[:2] for row in rows], dtype=np.float64),
            "categories": np.array([row[2:] for row in rows], dtype=object),
        }
        log.offer(answered(number, rows=len(rows), tensors=tensors))
        for place, (hour, moment, origin, other) in enumerate(rows):
            known_hour = None if np.isnan(hour) else hour
            wanted.append(
                (f"request-{number}", place, known_hour, moment, origin or None, other or None)
            )
    log.close(20)
    table = read.read(folder)
    columns = ["request_id", "row", *(f"feature_{name}" for name in BINARY.features)]
    lists = [table.column(name).to_pylist() if table.num_rows else [] for name in columns]
    assert sorted(zip(*lists, strict=True), key=lambda row: row[:2]) == sorted(
        wanted, key=lambda row: row[:2]
    )
