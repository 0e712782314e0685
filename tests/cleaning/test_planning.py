"""May it go? Every reason to stay, and every reason to go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.cleaning.items import Item, Kind
from pipelines.cleaning.needs import Needs
from pipelines.cleaning.planning import plan
from pipelines.state import runs
from pipelines.state.runs import Run

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def run(id: str, status: str) -> Run:
    return Run(id, "m", status, "base", {}, "why", "2026-01-01T00:00:00Z", version="m@v5")


def needs(*known: Run, **more: Any) -> Needs:
    given = {
        "versions": {"m@v3": "it is live"},
        "bentos": {"m@v1": "m:v1-a", "m@v3": "m:v3-a"},
        "base": None,
    }
    return Needs("m", runs={each.id: each for each in known}, retention_days=30, **(given | more))


def item(kind: Kind, place: str = "p", days: float = 100, **more: Any) -> Item:
    return Item(kind, "m", Path(place), 1, NOW - timedelta(days=days), **more)


def ruled(one: Item, needed: Needs) -> tuple[bool, str]:
    [ruling] = plan([one], needed, NOW, report_days=90)
    assert ruling.item is one
    return ruling.is_removed, ruling.why


def bento(place: str, days: float = 100, is_whole: bool = True) -> Item:
    return item(Kind.BENTO, place, days, version=f"m@{place.partition('-')[0]}", is_whole=is_whole)


BENTOS = {
    "live": (bento("v3-a"), False, "it is live"),
    "unneeded": (bento("v1-a"), True, "nothing needs m@v1"),
    "other build of the live one": (bento("v3-b"), True, "another build"),
    "unregistered and young": (bento("v9-a", days=0.5), False, "0.5 days old"),
    "unregistered and old": (bento("v9-a"), True, "100.0 days old"),
    "half and young": (bento("v3-a", 0.1, is_whole=False), False, "being made"),
    "half and old": (bento("v3-a", 2, is_whole=False), True, "being made"),
}


@pytest.mark.parametrize("name", BENTOS)
def test_bentos(name: str) -> None:
    one, is_removed, why = BENTOS[name]
    found = ruled(one, needs())
    assert found[0] is is_removed
    assert why in found[1]


def test_a_live_version_whose_build_nobody_knows_keeps_all_builds() -> None:
    assert ruled(bento("v3-z"), needs(bentos={})) == (False, "it is live")


def test_what_a_killed_retrain_built_waits_for_it() -> None:
    assert ruled(bento("v9-a"), needs(run("r", runs.RUNNING)))[0] is False


def test_version_folders_are_fetched_again() -> None:
    assert ruled(item(Kind.VERSION, version="m@v3"), needs()) == (False, "it is live")
    is_removed, why = ruled(item(Kind.VERSION, version="m@v1"), needs())
    assert is_removed
    assert "fetched again" in why


@pytest.mark.parametrize(
    ("status", "is_tree_removed", "is_branch_removed"),
    [
        (runs.RUNNING, False, False),
        (runs.REFUSED, True, True),
        (runs.FAILED, True, True),
        (runs.ABANDONED, True, True),
        (runs.PROMOTED, True, False),
        (runs.REGISTERED, True, False),
    ],
)
def test_what_a_run_left(status: str, is_tree_removed: bool, is_branch_removed: bool) -> None:
    needed = needs(run("r", status))
    assert ruled(item(Kind.WORKTREE, run="r"), needed)[0] is is_tree_removed
    assert ruled(item(Kind.BRANCH, run="r"), needed)[0] is is_branch_removed


def test_the_branch_that_the_next_retrain_begins_from_stays() -> None:
    needed = needs(run("r", runs.REFUSED), base="r")
    assert ruled(item(Kind.BRANCH, run="r"), needed) == (
        False,
        "the next retrain takes finished work from it",
    )
    assert ruled(item(Kind.WORKTREE, run="r"), needed)[0] is True


@pytest.mark.parametrize("kind", [Kind.WORKTREE, Kind.BRANCH, Kind.REPORT])
def test_what_the_store_does_not_know_stays(kind: Kind) -> None:
    is_removed, why = ruled(item(kind, run="somebody else's"), needs())
    assert not is_removed
    assert "does not know" in why


def test_pages() -> None:
    needed = needs(run("r", runs.REFUSED))
    assert ruled(item(Kind.REPORT, days=91, run="r"), needed)[0] is True
    assert ruled(item(Kind.REPORT, days=89, run="r"), needed)[0] is False
    assert ruled(item(Kind.REPORT, days=999, version="m@v1"), needed)[0] is False
    assert ruled(item(Kind.ALARM, days=91), needed)[0] is True
    assert ruled(item(Kind.ALARM, days=1), needed)[0] is False


def test_checkpoints_wait_for_every_retrain_that_goes_on() -> None:
    assert ruled(item(Kind.CHECKPOINT), needs())[0] is True
    assert ruled(item(Kind.CHECKPOINT, days=0.5), needs())[0] is False
    assert ruled(item(Kind.CHECKPOINT), needs(run("r", runs.RUNNING)))[0] is False


def test_answers_go_when_their_last_row_is_too_old() -> None:
    assert ruled(item(Kind.PREDICTIONS, days=30), needs())[0] is False
    assert ruled(item(Kind.PREDICTIONS, days=30.1), needs())[0] is True
