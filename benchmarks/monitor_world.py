"""A version of 20 columns, and a log of its answers, as large as one likes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines import frames as project_frames
from pipelines.inference.session import ModelSession
from pipelines.monitoring import pages
from pipelines.monitoring.baseline import HOLDOUT, REFERENCE, VersionFiles
from pipelines.monitoring.check import Live, check
from pipelines.monitoring.labelled import Logs
from pipelines.monitoring.records import Record
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.settings import parse
from pipelines.state import store
from tests.model_folder import make_wide_model_folder

MODEL, NUMBERS, REQUEST_ROWS = "flights", 17, 4096
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
_WORDS = {
    "carrier": ("AA", "B6", "DL", "EV", "UA", "Zürich"),
    "origin": ("EWR", "JFK", "LGA"),
    "tail": tuple(f"N{number:05d}" for number in range(200)),
}


def make(folder: Path, rows: int) -> None:
    """A trained version, its evidence, and a day's log of its answers; one column has moved."""
    make_wide_model_folder(folder / "model", NUMBERS, rounds=30, seed=0)
    (folder / "evidence").mkdir()
    for name, count, seed in ((REFERENCE, 5000, 1), (HOLDOUT, 20_000, 2)):
        _rows(count, seed).to_parquet(folder / "evidence" / name)
    session = ModelSession.open(folder / "model", threads=2)
    schema = session.signature.schema
    log = PredictionLog.open(folder / "log", schema, LogPolicy(), None)
    since = _day()[0]
    for begin in range(0, rows, REQUEST_ROWS):
        part = _rows(min(REQUEST_ROWS, rows - begin), seed=100 + begin)
        tensors = project_frames.tensors(part.assign(n00=part["n00"] * 1.6), schema)
        answered = session.predict(tensors)
        at = since + timedelta(seconds=80_000 * begin / rows)
        at_ns = int(at.timestamp()) * 10**9
        request = AnsweredRequest(f"request-{begin}", at_ns, "rest", False, 1000, len(part))
        outputs = {"probability": answered.scores, "label": answered.labels}
        asyncio.run(log.write(Answered(f"{MODEL}@v1", [request], tensors, outputs)))
    log.close(600)


def look(folder: Path, *, has_pages: bool) -> Record:
    """One check of it, as `evergreen monitor` makes it."""
    live = Live(MODEL, _files(folder), _day()[0], _settings(), _settings())
    engine = store.connect(folder / "state.db")
    with engine.begin() as connection:
        connection.execute(store.windows.delete())
    logs = Logs(folder / "log", folder / "feedback")
    [*_, found] = check(engine, live, logs, folder / "monitor", _day()[1])
    return pages.publish(engine, folder / "monitor", found) if has_pages else found.record


def frames(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same rows as frames: the window, and the reference."""
    from pipelines.predictions.layout import FEATURE
    from pipelines.predictions.read import read

    wanted = [f"{FEATURE}{name}" for name in _rows(1, 0).columns if name not in ("late", "day")]
    current = read(folder / "log", columns=wanted).to_pandas()
    current.columns = [name.removeprefix(FEATURE) for name in current.columns]
    return current, pd.read_parquet(folder / "evidence" / REFERENCE)[list(current.columns)]


def _day() -> tuple[datetime, datetime]:
    midnight = NOW.replace(hour=0)
    return midnight - timedelta(days=1), midnight + timedelta(minutes=1)


def _files(folder: Path) -> VersionFiles:
    return VersionFiles(f"{MODEL}@v1", folder / "model", folder / "evidence")


def _settings() -> Any:
    content = {
        "ingest": {"dataset": "table", "source": "flights.csv", "target": "late"},
        "train": {"family": "hist_gradient_boosting"},
        # So that one window is enough for an alarm, and its pages.
        "monitor": {"labels": "none", "persistence": [1, 1]},
    }
    return parse({"models": {MODEL: content}}).model(MODEL)


def _rows(rows: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        f"n{place:02d}": draw.lognormal(mean=place % 7, size=rows) for place in range(NUMBERS)
    }
    columns |= {name: draw.choice(words, rows) for name, words in _WORDS.items()}
    first, second = np.log(columns["n00"]), np.log(columns["n01"]) - 1
    odds = first + 0.5 * second + np.isin(columns["carrier"], _WORDS["carrier"][:2]) - 0.5
    columns["late"] = (draw.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    return pd.DataFrame(columns)
