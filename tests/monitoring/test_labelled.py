"""Answers and what turned out to be true: late, again, of others, of nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.monitoring import labelled
from pipelines.monitoring.columns import Expected
from pipelines.monitoring.labelled import Labelled, OfWindow
from pipelines.settings import LogSettings
from tests.model_folder import SCHEMA
from tests.monitoring.factories import NAME, NOON, World, flights

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EXPECTED = Expected.of(SCHEMA, LogSettings())


def joined(world: World, now: datetime = NOON) -> Labelled:
    path = world.folder / "labelled.parquet"
    return labelled.join(world.logs, NAME, now - 30 * DAY, now, EXPECTED, path)


def test_each_answer_has_the_last_label_that_came(world: World) -> None:
    rows = flights(400, 1)
    ids = world.answer(rows, NOON - DAY)
    world.tell(ids, 1 - rows["late"], NOON - DAY, HOUR)
    world.tell(ids, rows["late"], NOON - DAY, 2 * HOUR)
    found = joined(world)
    assert (found.answers, found.labels, found.unknown) == (400, 400, 0)
    assert found.delay_seconds == 7200
    table = pq.read_table(found.path)
    assert table.column("time").to_pylist() == sorted(table.column("time").to_pylist())
    place = {(n, r): at for at, (n, r) in enumerate((i, r) for i in ids for r in range(50))}
    told = table.select(["request_id", "row", "label"]).to_pylist()
    assert all(
        int(each["label"]) == rows["late"][place[each["request_id"], each["row"]]] for each in told
    )


def test_labels_count_of_answers_that_are_old_enough(world: World) -> None:
    rows = flights(480 * 5, 1)
    ids = world.answer(rows, NOON - DAY)
    world.tell(ids[:24], rows["late"][:1200], NOON - DAY, 6 * HOUR, hours=12)
    found = joined(world)
    assert found.delay_seconds == 6 * 3600
    assert found.mature_until == NOON - 6 * HOUR
    assert found.mature == 1800
    assert found.mature_labels == 1200
    assert found.coverage == 1200 / 1800
    morning = found.within(NOON - DAY / 2 - 6 * HOUR, NOON)
    assert morning == OfWindow(answers=1800, labels=600, mature=1200)
    assert (morning.coverage, morning.maturity) == (1 / 3, 2 / 3)
    assert found.within(NOON, NOON + DAY).coverage == 0
    schema = pa.schema([("time", pa.timestamp("us", tz="UTC"))])
    assert sum(batch.num_rows for batch in found.rows(schema)) == 1200
    later = found.rows(schema, since=NOON - DAY + 6 * HOUR)
    assert sum(batch.num_rows for batch in later) == 600


def test_labels_of_shadows_and_of_nobody_are_no_labels_of_this_version(world: World) -> None:
    rows = flights(100, 1)
    world.answer(rows, NOON - DAY)
    shadows = world.answer(rows, NOON - 2 * DAY, is_shadow=True)
    world.tell(shadows, rows["late"], NOON - 2 * DAY)
    world.tell(["nobody"], [1], NOON - DAY)
    found = joined(world)
    assert (found.answers, found.labels, found.unknown) == (100, 0, 1)
    assert found.delay_seconds is None
    assert found.coverage == 0


def test_a_label_of_the_future_is_not_known_yet(world: World) -> None:
    rows = flights(100, 1)
    ids = world.answer(rows, NOON - DAY)
    world.tell(ids, rows["late"], NOON - DAY, 3 * DAY)
    assert joined(world).labels == 0
    assert joined(world, NOON + 4 * DAY).labels == 100


def test_without_logs_there_is_nothing(world: World) -> None:
    found = joined(world)
    assert (found.answers, found.labels, found.unknown, found.coverage) == (0, 0, 0, 0)
