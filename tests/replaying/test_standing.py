"""Where a replay stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from pipelines.errors import StateError
from pipelines.replaying import standing
from pipelines.replaying.schedule import Asked, Request, Told
from pipelines.replaying.standing import Standing

NEW = Standing("2013-04", "2013-06", 24.0, 50)
REQUEST = Request("r", datetime(2013, 4, 1), (), ())


def test_what_was_sent_is_counted_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "replay" / "m.json"
    assert standing.read(path) is None
    now = NEW.after(Asked(datetime(2013, 4, 1), REQUEST), is_refused=False)
    now = now.after(Asked(datetime(2013, 4, 2), REQUEST), is_refused=True)
    now = now.after(Told(datetime(2013, 4, 3), REQUEST), is_refused=False)
    assert (now.asked, now.told, now.refused, now.at) == (2, 1, 1, "2013-04-03T00:00:00")
    standing.write(now, path)
    assert standing.read(path) == now


def test_another_replay_is_another() -> None:
    assert NEW.is_of(replace(NEW, asked=7, at="2013-05-01"))
    for other in ({"last": "2013-07"}, {"most_rows": 10}, {"delay_hours": 1.0}):
        assert not NEW.is_of(replace(NEW, **other))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (None, None),
        ("2013-04-30T23:00:00", None),
        # The last labels of April are on their way.
        ("2013-05-01T12:00:00", None),
        ("2013-05-02T00:00:00", "2013-04"),
        ("2013-07-15T00:00:00", "2013-06"),
    ],
    ids=["new", "first", "late labels", "second", "end"],
)
def test_a_month_may_be_trained_on_when_its_truth_is_known(
    at: str | None, month: str | None
) -> None:
    assert replace(NEW, at=at).month == month


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"first": 1, "what": 2}'], ids="abcd")
def test_a_damaged_one_stops(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(StateError, match="standing of a replay"):
        standing.read(path)
