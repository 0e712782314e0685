"""What a replay sends, and when. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """Some rows of one day.

    Attributes:
        id: the same in every replay, so that one that is sent twice can be told.
        at: of the data, when the rows are asked.
        rows: the features, one object a row, None for what is missing.
        labels: the truth of each row; None for one that was never known.
    """

    id: str
    at: datetime
    rows: tuple[Row, ...]
    labels: tuple[int | float | str | None, ...]


@dataclass(frozen=True)
class Asked:
    """A request is sent now."""

    at: datetime
    request: Request


@dataclass(frozen=True)
class Told:
    """The labels of a request are sent now."""

    at: datetime
    request: Request


def requests(
    model: str, day: datetime, rows: list[Row], labels: list[Any], most_rows: int
) -> list[Request]:
    """The rows of a day, spread over it evenly, `most_rows` a request.

    Args:
        model: whose traffic it is.
        day: its midnight.
        rows: in the order in which they are asked.
        labels: one a row.
        most_rows: of a request.
    """
    starts = range(0, len(rows), most_rows)
    return [
        Request(
            f"{model}-{day:%Y-%m-%d}-{number:05}",
            day + timedelta(days=1) * (start / len(rows)),
            tuple(rows[start : start + most_rows]),
            tuple(labels[start : start + most_rows]),
        )
        for number, start in enumerate(starts)
    ]


def merged(asked: Iterable[Request], delay: timedelta) -> Iterator[Asked | Told]:
    """Requests and labels in the order of their times; labels come `delay` after their request.

    Args:
        asked: in the order of their times.
        delay: how long the truth takes.
    """
    waiting: list[tuple[datetime, int, Request]] = []
    for number, request in enumerate(asked):
        while waiting and waiting[0][0] <= request.at:
            yield _told(heapq.heappop(waiting))
        yield Asked(request.at, request)
        if any(label is not None for label in request.labels):
            heapq.heappush(waiting, (request.at + delay, number, request))
    while waiting:
        yield _told(heapq.heappop(waiting))


def seconds_until(at: datetime, begun: datetime, elapsed: float, speed: float) -> float:
    """How long to wait before what is due at `at`; 0 for what is late.

    Args:
        at: of the data.
        begun: of the data, where this replay took off.
        elapsed: seconds of ours since then.
        speed: seconds of the data in one of ours.
    """
    return max(0.0, (at - begun).total_seconds() / speed - elapsed)


def last_whole_month(until: datetime) -> str:
    """The last month that is over at a moment of the data, as 2013-06."""
    return f"{until.replace(day=1) - timedelta(days=1):%Y-%m}"


def _told(entry: tuple[datetime, int, Request]) -> Told:
    at, _, request = entry
    return Told(at, request)
