"""What is sent when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.replaying.schedule import (
    Asked,
    Request,
    Told,
    last_whole_month,
    merged,
    requests,
    seconds_until,
)

DAY = datetime(2013, 4, 1)
HOUR = timedelta(hours=1)


def request(hours: float, label: int | None = 1) -> Request:
    return Request(f"r{hours:g}", DAY + hours * HOUR, ({"x": 1.0},), (label,))


def test_a_day_is_spread_evenly_and_named_alike_each_time() -> None:
    found = requests("m", DAY, [{"x": i} for i in range(5)], [0, 1, None, 0, 1], 2)
    assert [each.id for each in found] == [f"m-2013-04-01-0000{i}" for i in range(3)]
    assert [len(each.rows) for each in found] == [2, 2, 1]
    assert [each.labels for each in found] == [(0, 1), (None, 0), (1,)]
    hours = [(each.at - DAY) / HOUR for each in found]
    assert hours == pytest.approx([0, 9.6, 19.2])
    assert found == requests("m", DAY, [{"x": i} for i in range(5)], [0, 1, None, 0, 1], 2)


def test_labels_follow_and_what_was_never_known_is_never_told() -> None:
    found = list(merged([request(0), request(1, None), request(30)], 24 * HOUR))
    told = [(type(event).__name__, event.request.id, event.at) for event in found]
    assert told == [
        ("Asked", "r0", DAY),
        ("Asked", "r1", DAY + HOUR),
        ("Told", "r0", DAY + 24 * HOUR),
        ("Asked", "r30", DAY + 30 * HOUR),
        ("Told", "r30", DAY + 54 * HOUR),
    ]


@given(st.lists(st.floats(0, 1000), max_size=40), st.floats(0, 500))
def test_time_never_goes_back_and_everything_is_told_once(hours: list[float], delay: float) -> None:
    asked = [request(hour) for hour in sorted(hours)]
    found = list(merged(asked, delay * HOUR))
    times = [event.at for event in found]
    assert times == sorted(times)
    assert [event.request for event in found if isinstance(event, Asked)] == asked
    assert len([event for event in found if isinstance(event, Told)]) == len(asked)


def test_how_long_to_wait() -> None:
    assert seconds_until(DAY + HOUR, DAY, elapsed=10, speed=60) == pytest.approx(50)
    assert seconds_until(DAY + HOUR, DAY, elapsed=61, speed=60) == 0


@pytest.mark.parametrize(
    ("at", "month"),
    [(datetime(2013, 7, 1), "2013-06"), (datetime(2013, 6, 30), "2013-05"), (DAY, "2013-03")],
    ids=["first", "last", "april"],
)
def test_a_month_is_over_when_the_next_begins(at: datetime, month: str) -> None:
    assert last_whole_month(at) == month
