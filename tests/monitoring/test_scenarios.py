"""Broken, poisoned or missing data: none of it starts a retrain, none of it passes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from pipelines.monitoring.action import Action
from pipelines.monitoring.baseline import EXPECTATIONS, REFERENCE
from pipelines.monitoring.triggers import inbox
from pipelines.settings import TriggerSettings
from pipelines.verdicts import Outcome
from tests.monitoring.factories import MODEL, NOON, POLICY, World, flights, settings

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
YESTERDAY = MIDNIGHT - DAY
ROWS = 2000
RULES = """\
rows:
  - type: expect_column_values_to_be_between
    kwargs: {column: distance, min_value: 0}
    severity: critical
  - type: expect_table_row_count_to_be_between
    kwargs: {min_value: 1000000}
"""
LABELLED = {"labels": "expected", "minimum_rows": 500}


@dataclass(frozen=True)
class Scenario:
    """What happens to the live data, and what has to be said of it."""

    name: str
    happen: Callable[[World], World | None]
    action: Action
    reason: str


def _data(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[World], None]:
    def happen(world: World) -> None:
        # In every window: what is broken for days is not drift, either.
        for days in (3, 2, 1):
            world.answer(change(flights(ROWS, days)), MIDNIGHT - days * DAY)

    return happen


def _some(share: float, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        places = np.random.default_rng(1).random(len(frame)) < share
        return frame.assign(**{column: frame[column].mask(places, value)})

    return change


def _one_row(frame: pd.DataFrame) -> pd.DataFrame:
    chosen = np.where(np.arange(len(frame)) % 5 < 2, 0, np.arange(len(frame)))
    return frame.iloc[chosen]


def _vanished(world: World) -> None:
    kept = ("distance", "departure_hour", "carrier", "origin")
    world.answer(flights(ROWS, 1), YESTERDAY, policy=replace(POLICY, features=kept))


def _retyped(world: World) -> None:
    world.answer(flights(ROWS, 1), YESTERDAY, policy=replace(POLICY, identifiers=("distance",)))


def _declared(world: World) -> World:
    evidence = world.folder / "evidence"
    shutil.copytree(world.files.evidence, evidence)
    (evidence / EXPECTATIONS).write_text(RULES, encoding="utf-8")
    _data(lambda frame: frame.assign(distance=-frame["distance"]))(world)
    return replace(world, files=replace(world.files, evidence=evidence))


def _no_reference(world: World) -> World:
    evidence = world.folder / "evidence"
    shutil.copytree(world.files.evidence, evidence)
    (evidence / REFERENCE).unlink()
    world.answer(flights(ROWS, 1), YESTERDAY)
    return replace(world, files=replace(world.files, evidence=evidence))


def _spoiled_reference(world: World) -> World:
    evidence = world.folder / "evidence"
    shutil.copytree(world.files.evidence, evidence)
    (evidence / REFERENCE).write_bytes(b"not Parquet")
    world.answer(flights(ROWS, 1), YESTERDAY)
    return replace(world, files=replace(world.files, evidence=evidence))


def _labels(change: Callable[[pd.Series], pd.Series]) -> Callable[[World], World]:
    def happen(world: World) -> World:
        rows = flights(ROWS, 1)
        ids = world.answer(rows, YESTERDAY)
        world.tell(ids, change(rows["late"]), YESTERDAY)
        return replace(world, settings=settings(monitor=LABELLED))

    return happen


def _late_labels(world: World) -> World:
    ids = world.answer(flights(ROWS, 1), YESTERDAY)
    world.tell(ids, flights(ROWS, 1)["late"], YESTERDAY, delay=timedelta(days=20))
    return replace(world, settings=settings(monitor=LABELLED))


def _unknown_labels(world: World) -> World:
    ids = world.answer(flights(ROWS, 1), YESTERDAY)
    world.tell([f"other-{name}" for name in ids], flights(ROWS, 1)["late"], YESTERDAY)
    return replace(world, settings=settings(monitor=LABELLED))


def _future(world: World) -> None:
    world.answer(flights(ROWS, 1), YESTERDAY)
    world.answer(flights(100, 2), NOON + DAY)


def _clock_back(world: World) -> None:
    whole = flights(ROWS, 1)
    first = world.answer(whole, YESTERDAY)
    assert first
    world.check()
    world.now = NOON - 2 * DAY


def _turned_clock(world: World) -> None:
    world.answer(flights(ROWS, 1), YESTERDAY + DAY / 2, hours=-6)


SCENARIOS = [
    Scenario(
        "a column vanished", _vanished, Action.QUARANTINE, "wind_speed: is not there in 2,000"
    ),
    Scenario("another type", _retyped, Action.QUARANTINE, "changed its type: it is string now"),
    Scenario("an empty column", _data(_some(1, "distance", np.nan)), Action.QUARANTINE, "no value"),
    Scenario(
        "a silent sensor", _data(_some(0.4, "wind_speed", np.nan)), Action.QUARANTINE, "are missing"
    ),
    Scenario(
        "another unit",
        _data(lambda frame: frame.assign(distance=1000 * frame["distance"])),
        Action.QUARANTINE,
        "of the values are beyond",
    ),
    Scenario(
        "a stand-in for missing",
        _data(_some(0.3, "wind_speed", -9999.0)),
        Action.QUARANTINE,
        "of the values are beyond",
    ),
    Scenario(
        "a stuck sensor",
        _data(lambda frame: frame.assign(wind_speed=7.0)),
        Action.QUARANTINE,
        "is 7 in every row",
    ),
    Scenario(
        "renamed categories",
        _data(lambda frame: frame.assign(carrier=frame["carrier"].str.lower())),
        Action.QUARANTINE,
        "of the names were never seen in training",
    ),
    Scenario("one row again and again", _data(_one_row), Action.QUARANTINE, "one and the same row"),
    Scenario("a declared rule", _declared, Action.QUARANTINE, "values"),
    Scenario(
        "answers that are no number",
        lambda world: (
            world.answer(flights(ROWS, 1), YESTERDAY, spoil=lambda s: s * np.nan) and None
        ),
        Action.QUARANTINE,
        "answers are no number",
    ),
    Scenario(
        "another model answers",
        lambda world: world.answer(flights(ROWS, 1), YESTERDAY, spoil=lambda s: s**1.2) and None,
        Action.MEND,
        "the server is not what was trained",
    ),
    Scenario(
        "labels turned around", _labels(lambda late: 1 - late), Action.QUARANTINE, "broken labels"
    ),
    Scenario(
        "labels of one class", _labels(lambda late: late * 0), Action.NOTHING, "all labels are the"
    ),
    Scenario("all labels late", _late_labels, Action.NOTHING, "no label has come yet"),
    Scenario(
        "labels of unknown requests", _unknown_labels, Action.NOTHING, "the log does not know"
    ),
    Scenario("answers of tomorrow", _future, Action.NOTHING, "a clock jumped"),
    Scenario("a monitor of yesterday", _clock_back, Action.NOTHING, "the clock went back"),
    Scenario("a server's clock", _turned_clock, Action.NOTHING, "a clock went back by"),
    Scenario("no reference", _no_reference, Action.NOTHING, "has no reference.parquet"),
    Scenario("a spoiled reference", _spoiled_reference, Action.NOTHING, "no reference"),
    Scenario("no answer", lambda world: None, Action.NOTHING, "0 answers, and 500 are needed"),
    Scenario(
        "few answers",
        lambda world: world.answer(flights(300, 1), YESTERDAY) and None,
        Action.NOTHING,
        "300 answers, and 500 are needed",
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_it_is_stopped_with_its_reason(world: World, scenario: Scenario) -> None:
    world.since = NOON - 4 * DAY
    world = scenario.happen(world) or world
    [*_, found] = world.check()
    verdict = found.record.verdict
    assert verdict.outcome is not Outcome.PASSED
    assert found.record.action is scenario.action, verdict.reason
    assert scenario.reason in verdict.reason
    assert inbox.settle(world.engine, MODEL, TriggerSettings(), world.now) is None
    assert inbox.listed(world.engine, MODEL) == []


def test_a_quarantine_holds_back_what_waits(world: World) -> None:
    _vanished(world)
    world.check()
    from tests.monitoring.triggers.builders import event

    waiting = event(model=MODEL, version=None, noticed=NOON)
    inbox.offer(world.engine, waiting, NOON)
    assert inbox.settle(world.engine, MODEL, TriggerSettings(), NOON) is None
    [trigger] = inbox.listed(world.engine, MODEL)
    assert "waits for sound data" in trigger.why
    assert "is not there in 2,000" in trigger.why
