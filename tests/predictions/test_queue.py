"""What the queue holds counts until it is written, by rows and by memory."""

from __future__ import annotations

import pytest

from pipelines.predictions import queue
from pipelines.predictions.queue import Entry, Queue
from tests.predictions.factories import answered


def entry(number: int = 0, rows: int = 1, size: int = 10) -> Entry:
    return Entry.of(answered(number, rows=rows))._replace(size=size)


def filled(*entries: Entry) -> Queue:
    held = Queue()
    for each in entries:
        held.put(each)
    return held


def test_an_entry_knows_how_much_it_is() -> None:
    record = answered(rows=3)
    assert Entry.of(record) == (record, 3, record.size, None)


def test_what_is_taken_counts_until_it_is_done() -> None:
    held = filled(entry(1, rows=2, size=30), entry(2, rows=5, size=70))
    assert (held.waiting_rows, held.rows, held.size) == (7, 7, 100)
    taken = held.take()
    assert [each.rows for each in taken] == [2, 5]
    assert (len(held), held.waiting_rows, held.rows, held.size) == (0, 0, 7, 100)
    held.done(2, 30)
    assert (held.rows, held.size) == (5, 70)
    assert held.take() == []


def test_a_batch_ends_with_what_makes_it_enough() -> None:
    by_rows = filled(*(entry(number, rows=500) for number in range(4)))
    assert [len(by_rows.take()), len(by_rows.take())] == [3, 1]
    by_size = filled(*(entry(number, size=5 << 20) for number in range(3)))
    assert [len(by_size.take()), len(by_size.take())] == [2, 1]
    one = filled(entry(rows=9000, size=1 << 30))
    assert len(one.take()) == 1, "or it would wait for ever"


def test_memory_is_what_waits_and_what_is_being_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "QUEUE_BYTES", 100)
    held = filled(entry(size=60))
    assert held.has_memory_for(entry(size=40))
    assert not held.has_memory_for(entry(size=41))
    held.take()
    assert not held.has_memory_for(entry(size=41))
    held.done(1, 60)
    assert held.has_memory_for(entry(size=41))


def test_one_of_any_size_is_let_in_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "QUEUE_BYTES", 100)
    assert Queue().has_memory_for(entry(size=1000))
    assert not filled(entry(size=1)).has_memory_for(entry(size=1000))
