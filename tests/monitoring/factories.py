"""A version with its reference, and traffic that its own graph answered, in a real log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from pipelines import frames
from pipelines.files import write_json
from pipelines.inference.session import ModelSession
from pipelines.monitoring.baseline import ATTRIBUTION, HOLDOUT, REFERENCE, VersionFiles
from pipelines.monitoring.check import Checked, Live, check
from pipelines.monitoring.labelled import Logs
from pipelines.predictions.feedback import Feedback
from pipelines.predictions.log import PredictionLog
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered, AnsweredRequest
from pipelines.settings import ModelSettings, parse
from tests.model_folder import SCHEMA, make_model_folder

MODEL = "flights"
NAME = "flights@v3"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
KEY = bytes(range(32))
# The rows are of a time long gone, and would be removed as old.
POLICY = LogPolicy(queue_rows=10**7, retention_days=36500)
Change = Callable[[pd.DataFrame], pd.DataFrame]
# Rows of a request.
_SIZE = 50
_CARRIERS = ("AA", "B6", "DL", "EV", "UA", "Zürich")


def flights(rows: int, seed: int) -> pd.DataFrame:
    """Rows as the model's training had them, with the truth and a day of its own for each tenth."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "distance": draw.lognormal(0, 1, rows),
            "departure_hour": draw.lognormal(1, 1, rows),
            "wind_speed": draw.lognormal(2, 1, rows),
            "carrier": draw.choice(_CARRIERS, rows),
            "origin": draw.choice(["EWR", "JFK", "LGA"], rows),
        }
    )
    odds = np.log(frame["distance"]) + 0.5 * (np.log(frame["departure_hour"]) - 1)
    chance = 1 / (1 + np.exp(-(odds + frame["carrier"].isin(_CARRIERS[:2]) - 0.5)))
    frame["late"] = (draw.random(rows) < chance).astype(int)
    day = pd.Timestamp("2026-02-01") + pd.to_timedelta(np.arange(rows) * 10 // rows, "D")
    return frame.assign(departure=day)


def version(folder: Path) -> VersionFiles:
    """The files of a version that was made on such rows."""
    make_model_folder(folder / "model", rows=1000, seed=0)
    evidence = folder / "evidence"
    evidence.mkdir()
    flights(3000, 1).to_parquet(evidence / REFERENCE)
    flights(4000, 2).to_parquet(evidence / HOLDOUT)
    features = [
        {"name": "distance", "importance": 0.2},
        {"name": "departure_hour", "importance": 0.05},
        {"name": "carrier", "importance": 0.05},
        {"name": "wind_speed", "importance": 0.0001},
        {"name": "origin", "importance": -0.0001},
    ]
    write_json({"method": "permutation", "features": features}, evidence / ATTRIBUTION)
    return VersionFiles(NAME, folder / "model", evidence)


def settings(**sections: Any) -> ModelSettings:
    """Of the model; sections are merged over the defaults."""
    content = {
        "ingest": {"dataset": "table", "source": "flights.csv", "target": "late"},
        "train": {"family": "hist_gradient_boosting"},
        "monitor": {"labels": "none", "minimum_rows": 500},
    }
    for name, section in sections.items():
        content[name] = {**content.get(name, {}), **section}
    return parse({"models": {MODEL: content}}).model(MODEL)


@dataclass
class World:
    """A model with its version, its logs and its store; time stands still unless it is moved."""

    files: VersionFiles
    folder: Path
    engine: sa.Engine
    settings: ModelSettings
    now: datetime = NOON
    since: datetime = NOON - timedelta(days=1)

    @property
    def logs(self) -> Logs:
        return Logs(self.folder / "predictions", self.folder / "feedback")

    @property
    def live(self) -> Live:
        return Live(MODEL, self.files, self.since, self.settings, self.settings)

    def check(self, now: datetime | None = None) -> list[Checked]:
        return check(self.engine, self.live, self.logs, self.folder / "monitor", now or self.now)

    def answer(
        self,
        frame: pd.DataFrame,
        since: datetime,
        hours: float = 24,
        *,
        policy: LogPolicy = POLICY,
        name: str = NAME,
        is_shadow: bool = False,
        spoil: Callable[[Any], Any] = lambda scores: scores,
    ) -> list[str]:
        """Have the version answer rows, spread evenly over some hours; the ids of the requests."""
        session = ModelSession.open(self.files.model)
        log = PredictionLog.open(self.logs.answers, SCHEMA, policy, KEY)
        ids = []
        for begin in range(0, len(frame), _SIZE):
            part = frame.iloc[begin : begin + _SIZE]
            tensors = frames.tensors(part, session.signature.schema)
            answered = session.predict(tensors)
            at = since + timedelta(hours=hours * begin / len(frame))
            ids.append(f"{name}-{since:%m%d%H%M}-{begin}")
            assert log.offer(
                Answered(
                    version=name,
                    requests=[
                        AnsweredRequest(
                            request_id=ids[-1],
                            arrived_ns=int(at.timestamp() * 1e6) * 1000,
                            door="rest",
                            is_shadow=is_shadow,
                            latency_us=500 + begin % 7,
                            rows=len(part),
                        )
                    ],
                    tensors=tensors,
                    outputs={"probability": spoil(answered.scores), "label": answered.labels},
                )
            )
        log.close(30)
        return ids

    def tell(
        self,
        ids: list[str],
        truth: Any,
        since: datetime,
        delay: timedelta = timedelta(hours=2),
        hours: float = 24,
    ) -> None:
        """Labels of requests that `answer` spread over some hours, each so long after it."""
        feedback = Feedback.open(self.logs.labels)
        values = [int(label) for label in truth]
        for place, name in enumerate(ids):
            part = values[place * _SIZE : (place + 1) * _SIZE]
            at = since + timedelta(hours=hours * place / len(ids)) + delay
            moment = int(at.timestamp() * 1e6) * 1000
            feedback.add([name] * len(part), part, range(len(part)), moment)
        feedback.close(30)

    def with_settings(self, **sections: Any) -> World:
        return replace(self, settings=settings(**sections))


def shifted(column: str, factor: float) -> Change:
    """A column that is so many times as large."""
    return lambda frame: frame.assign(**{column: frame[column] * factor})
