"""The demo's parts without its stack; and, once, all of it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from rich.console import Console

from flows import deployments
from flows.demo import ground, pages, quality, telling, views
from flows.demo.broken import scaled
from flows.demo.events import BAD, GOOD, WARN, Event, events
from flows.demo.quality import DAY, FROZEN, LIVE
from pipelines import frames
from pipelines.inference.session import ModelSession
from pipelines.monitoring import records
from pipelines.monitoring.action import Action
from pipelines.monitoring.records import Record
from pipelines.monitoring.spans import Window
from pipelines.monitoring.triggers import inbox
from pipelines.monitoring.triggers.events import Event as Noticed
from pipelines.predictions.feedback import Feedback
from pipelines.predictions.labels import LABEL
from pipelines.predictions.layout import TIME
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.replaying.schedule import Request
from pipelines.rollout import store as rollouts
from pipelines.settings import TriggerSettings
from pipelines.settings.loading import parse, read_params
from pipelines.state import ledger, runs, store
from pipelines.state.ledger import Promotion
from pipelines.verdicts import Outcome, Verdict
from tests.model_folder import SCHEMA, make_model_folder
from tests.rollout.builders import begun
from tests.throwaway import REPOSITORY, Project, begin, copy_repository

MODEL = "alpha"
NOW = datetime(2026, 3, 10, tzinfo=UTC)
PLANTED: dict[str, Any] = {
    "broken": {"rows": 10_000, "quarantined": True, "reason": "beyond", "retrains": 0},
    "challenger": {"version": "m@v3", "phase": "rolled back", "requests": 2100, "bad": 0},
}


def test_its_parameters_are_parameters() -> None:
    model = read_params(REPOSITORY)["models"]["flights"]
    chosen = parse(ground.params(model, [1001, 1002, 1003])).model("flights")
    assert chosen.retrain.release == "staged"
    assert chosen.monitor.window_rows == ground.WINDOW_ROWS
    assert chosen.gate.margin == model["gate"]["margin"]


def test_only_what_waits_is_hurried() -> None:
    text = (REPOSITORY / deployments.FILE).read_text(encoding="utf-8")
    before = yaml.safe_load(deployments.expanded(text, ["flights"]))
    after = ground.hurried(yaml.safe_load(yaml.safe_dump(before)))
    changed = {
        new["name"]
        for old, new in zip(before["deployments"], after["deployments"], strict=True)
        if old != new
    }
    assert changed == {"monitor-flights", "rollout-flights"}


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return store.connect(tmp_path / "state.db")


def test_all_that_happened_is_told_in_its_order(engine: sa.Engine) -> None:
    run, _ = runs.begin(engine, MODEL, "base", {}, "a person")
    runs.finish(engine, run.id, runs.PROMOTED, version="alpha@v1")
    ledger.promote(engine, Promotion(MODEL, "alpha@v1", "c", "me", "a person", {}, run.id))
    now = datetime.now(UTC) + timedelta(seconds=1)
    refused = Verdict("monitor", Outcome.FAILED, "the loss is above")
    window = Window(MODEL, "alpha@v1", now - timedelta(hours=1), now)
    records.save(engine, Record(window, "k", now, 800, refused, Action.RETRAIN, None, None))
    noticed = Noticed("key", MODEL, "alpha@v1", "labelled quality", "why", now)
    inbox.offer(engine, noticed, now + timedelta(seconds=1))
    inbox.settle(engine, MODEL, TriggerSettings(), now + timedelta(seconds=2))
    inbox.offer(engine, replace(noticed, key="2"), now + timedelta(seconds=3))
    inbox.settle(engine, MODEL, TriggerSettings(), now + timedelta(seconds=4))
    rollouts.open_new(engine, begun())
    found = events(engine, MODEL)
    assert [each.at for each in found] == sorted(each.at for each in found)
    said = {(each.who, each.tone): each.text for each in found}
    assert said["monitor", BAD] == "800 answers of alpha@v1: the loss is above"
    assert said["retrain", GOOD] == "promoted: alpha@v1 is registered"
    assert said["ledger", GOOD] == "alpha@v1 promoted: a person"
    starts = [each.text for each in found if each.tone == WARN and "to begin" in each.text]
    assert starts == ["trigger 1: a retrain is to begin"]
    assert any("trigger 2 answered: came late" in each.text for each in found)
    assert any(each.who == "rollout" and "pending, 0 %" in each.text for each in found)


@pytest.fixture
def session(tmp_path: Path) -> ModelSession:
    make_model_folder(tmp_path / "model", rows=20, seed=3)
    return ModelSession.open(tmp_path / "model")


def _log(folder: Path, session: ModelSession, days: int) -> pd.DataFrame:
    """Forty rows a day of a live version that is right, with their labels."""
    log = PredictionLog.open(folder / "answers", SCHEMA, LogPolicy(), None)
    told = Feedback.open(folder / "labels")
    chance, asked = np.random.default_rng(3), []
    begin = datetime.now(UTC) - timedelta(minutes=5)  # what is old is removed
    for number in range(days):
        day = pd.Timestamp("2013-04-25") + pd.Timedelta(days=number)
        rows = pd.DataFrame(
            {
                "distance": chance.uniform(100, 3000, 40),
                "departure_hour": chance.integers(5, 23, 40).astype(float),
                "wind_speed": chance.uniform(0, 30, 40),
                "carrier": "AA",
                "origin": "JFK",
            }
        )
        truth = chance.integers(0, 2, 40)
        live = 0.25 + truth / 2
        tensors = frames.tensors(rows, SCHEMA)
        at = int((begin + timedelta(seconds=number)).timestamp()) * 10**9
        name, version = f"{MODEL}-{day:%Y-%m-%d}-00000", f"alpha@v{1 + (number > 5)}"
        outputs = {"probability": live, "label": truth.astype(np.int64)}
        known = AnsweredRequest(name, at, "rest", False, 1000, 40)
        # A mirrored copy, and a batch that is no part of the replay, are nobody's answers.
        mirrored = known._replace(is_shadow=True)
        broken = known._replace(request_id=f"broken-{name}")
        for by, request in ((version, known), ("alpha@v9", mirrored), (version, broken)):
            log.offer(Answered(by, [request], tensors, outputs))
        told.add([name] * 40, truth.tolist(), list(range(40)))
        asked.append(rows.assign(score=session.predict(tensors).scores))
    log.close(30)
    told.close(30)
    return pd.concat(asked, ignore_index=True)


def test_live_answers_are_held_to_what_the_first_version_says_of_the_same_rows(
    tmp_path: Path, session: ModelSession
) -> None:
    asked = _log(tmp_path, session, days=15)
    rows = quality.answered(tmp_path / "answers", tmp_path / "labels", MODEL, session)
    assert len(rows) == 15 * 40
    np.testing.assert_allclose(np.sort(rows[FROZEN]), np.sort(asked["score"]), atol=1e-9)
    april, may = quality.by_month(rows)
    assert (april.name, april.rows, april.live) == ("2013-04", 6 * 40, 1.0)
    assert april.versions == {"alpha@v1": 240}
    assert may.versions == {"alpha@v2": 9 * 40}
    assert may.gain == may.live - may.frozen > 0
    assert [week.name for week in quality.by_week(rows)] == ["2013-04-25", "2013-05-02"]


@pytest.fixture
def rows() -> pd.DataFrame:
    chance = np.random.default_rng(1)
    number = np.arange(4000)
    truth = chance.integers(0, 2, number.size)
    return pd.DataFrame(
        {
            TIME: pd.to_datetime(1000 + number / 100, unit="s", utc=True),
            DAY: pd.Timestamp("2013-04-01") + pd.to_timedelta(number // 100, unit="D"),
            "version": np.where(number < 2000, "m@v1", "m@v2"),
            LIVE: truth * 0.4 + chance.uniform(size=number.size),
            FROZEN: chance.uniform(size=number.size),
            LABEL: truth,
        }
    )


def test_the_data_has_a_clock_of_its_own(rows: pd.DataFrame) -> None:
    assert pages.date_at(rows, 999.0) is None
    assert pages.date_at(rows, 1010.5) == "2013-04-11"
    assert pages.date_at(rows, 5000.0) == "2013-05-10"


def test_its_page_and_its_tables_say_how_it_ended(rows: pd.DataFrame) -> None:
    happened = [
        Event(1012.0, "monitor", "8,000 answers: <b>the loss</b> is above", BAD),
        Event(1012.5, "inbox", "trigger 1: labelled quality", WARN),
        Event(1020.0, "ledger", "m@v2 promoted: its rollout passed", GOOD),
    ]
    told = telling.told(rows, happened, ["m@v2", "m@v1"], PLANTED, 1000.0)
    assert told["is_as_told"]
    assert told["events"][0]["date"] == "2013-04-13"
    told |= {"clone": "somewhere", "seconds": {"all": 12.0}, "page": "p", "peak_memory_gib": 1.5}
    page = pages.page(told, rows, happened, 1000.0)
    assert page.count("<svg") == 2
    assert "FRESH" in page
    assert "&lt;b&gt;the loss" in page
    out = io.StringIO()
    views.show(Console(file=out, width=200), json.loads(json.dumps(told)))
    assert "2013-05" in out.getvalue()
    assert "of 2,100 requests clients saw 0 bad answers" in out.getvalue()
    assert "2013-04-13" not in views.line(happened[0], 1000.0).plain
    assert len(views.line(replace(happened[0], text="x" * 900), 0).plain) < 200


@pytest.mark.parametrize(
    ("live", "broken", "challenger"),
    [
        (["m@v1"], {}, {}),
        (["m@v2", "m@v1"], {"quarantined": False}, {}),
        (["m@v2", "m@v1"], {"retrains": 1}, {}),
        (["m@v2", "m@v1"], {}, {"phase": "promoted"}),
        (["m@v2", "m@v1"], {}, {"bad": 1}),
    ],
    ids=["no loop", "let through", "trained", "promoted", "seen"],
)
def test_whatever_goes_otherwise_is_said(
    live: list[str], broken: dict[str, Any], challenger: dict[str, Any]
) -> None:
    planted = {
        "broken": {**PLANTED["broken"], **broken},
        "challenger": {**PLANTED["challenger"], **challenger},
    }
    assert telling.is_as_told(["m@v2", "m@v1"], PLANTED)
    assert not telling.is_as_told(live, planted)
    if len(live) > 1:
        assert not all(is_good for _, is_good in views.sentences(planted))


def test_a_broken_batch_is_the_real_one_in_another_unit() -> None:
    request = Request("a-1", NOW, ({"distance": 2.0, "x": 1}, {"distance": None, "x": 2}), (0, 1))
    broken = scaled(request, "distance", 1609.344)
    assert broken.rows == ({"distance": 3218.688, "x": 1}, {"distance": None, "x": 2})
    assert broken.id == "broken-a-1"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    copy_repository(root, but=("tests/", "docs/"))
    return begin(root)


@pytest.mark.slow
@pytest.mark.demo
@pytest.mark.timeout(1800)
def test_the_loop_closes_and_what_is_planted_does_no_harm(project: Project, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = project.evergreen("demo", "--keep", str(kept), "--json", seconds=1500)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["live"] == ["flights@v2", "flights@v1"]
    assert [month["name"] for month in told["months"]][:4] == [f"2013-0{n}" for n in (4, 5, 6, 7)]
    assert Path(told["page"]).is_file()
    # The user's own repository is as it was.
    assert project.git("status", "--porcelain") == ""
    assert project.git("branch", "--list", "retrain/*") == ""
    assert project.git("tag") == ""

    again = project.evergreen("demo", "--keep", str(kept))
    assert again.returncode == 2
    assert "not empty" in again.stderr
