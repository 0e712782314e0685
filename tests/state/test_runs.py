from __future__ import annotations

import time

import sqlalchemy as sa

from pipelines.state import runs


def test_a_run_begins_once_and_ends_once(engine: sa.Engine) -> None:
    run, is_taken_up = runs.begin(engine, "alpha", "base", {"split.seed": 3}, "why")
    assert not is_taken_up
    runs.finish(engine, run.id, runs.PROMOTED, version="alpha@v1")
    runs.finish(engine, run.id, runs.FAILED)
    [found] = runs.latest(engine, "alpha")
    assert (found.status, found.version, found.overrides) == (
        runs.PROMOTED,
        "alpha@v1",
        {"split.seed": 3},
    )
    assert found.finished is not None


def test_a_killed_run_is_taken_up_by_the_same_request(engine: sa.Engine) -> None:
    killed, _ = runs.begin(engine, "alpha", "base", {}, "first")
    taken, is_taken_up = runs.begin(engine, "alpha", "base", {}, "second")
    assert is_taken_up
    assert taken == killed


def test_a_killed_run_is_abandoned_for_another_request(engine: sa.Engine) -> None:
    killed, _ = runs.begin(engine, "alpha", "base", {}, "why")
    other_base, was_taken_up = runs.begin(engine, "alpha", "newer", {}, "why")
    other_overrides, _ = runs.begin(engine, "alpha", "newer", {"ingest.until": "2024-03"}, "why")
    assert not was_taken_up
    statuses = {run.id: run.status for run in runs.latest(engine, "alpha")}
    assert statuses == {
        killed.id: runs.ABANDONED,
        other_base.id: runs.ABANDONED,
        other_overrides.id: runs.RUNNING,
    }


def test_only_one_of_two_unfinished_runs_goes_on(engine: sa.Engine) -> None:
    first, _ = runs.begin(engine, "alpha", "base", {}, "why")
    with engine.begin() as connection:
        row = connection.execute(runs.runs.select()).mappings().one()
        connection.execute(runs.runs.insert().values(**{**row, "id": "0-left-over"}))
    taken, is_taken_up = runs.begin(engine, "alpha", "base", {}, "why")
    statuses = [run.status for run in runs.latest(engine, "alpha")]
    assert is_taken_up
    assert sorted(statuses) == [runs.ABANDONED, runs.RUNNING]
    assert taken.id in {first.id, "0-left-over"}


def test_another_models_run_is_left_alone(engine: sa.Engine) -> None:
    alpha, _ = runs.begin(engine, "alpha", "base", {}, "why")
    runs.begin(engine, "beta", "newer", {}, "why")
    [found] = runs.latest(engine, "alpha")
    assert found == alpha


def test_how_often_a_holdout_was_asked(engine: sa.Engine) -> None:
    judged = []
    for number, digest in enumerate(["h1", "h1", "h2"]):
        time.sleep(0.002)  # ids are sorted to the millisecond
        run, _ = runs.begin(engine, "alpha", f"base{number}", {}, "why")
        verdict = {"evidence": {"holdout": {"data_hash": digest}}}
        runs.finish(engine, run.id, runs.REFUSED, verdict=verdict)
        judged.append(run.id)
    failed, _ = runs.begin(engine, "alpha", "base9", {}, "why")
    runs.finish(engine, failed.id, runs.FAILED, verdict={"evidence": {}})
    assert [run.id for run in runs.latest(engine, "alpha")][1:] == judged[::-1]
    assert runs.times_asked(engine, "alpha", "h1", but="none") == 2
    assert runs.times_asked(engine, "alpha", "h2", but=judged[2]) == 0
    assert runs.times_asked(engine, "beta", "h1", but="none") == 0
