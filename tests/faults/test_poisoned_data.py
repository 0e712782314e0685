"""Fifteen ways for new data to be broken or poisoned, from the source to the gate.

A champion learned from two sound months. A third comes, is recorded as a retrain records it, and
goes through the real stages; whatever is wrong with it has to be stopped before a promotion, by the
first of them that can know.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines import judging
from pipelines.errors import EvergreenError
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings
from pipelines.stages import evaluate, ingest, split, train, validate
from tests import small

OLD_DAYS, DAYS = 60, 90
HELD_OUT = pd.Timestamp("2024-01-01") + pd.Timedelta(days=DAYS - 15)
NEW = pd.Timestamp("2024-01-01") + pd.Timedelta(days=OLD_DAYS)
RULES = """\
rows:
  - type: expect_column_values_to_be_between
    kwargs: {column: spend, min_value: 0, max_value: 10000, mostly: 0.99}
    severity: critical
  - type: expect_column_proportion_of_non_null_values_to_be_between
    kwargs: {column: visits, min_value: 0.9}
    severity: critical
  - type: expect_column_max_to_be_between
    kwargs: {column: day, min_value: {$PARAMETER: freshest}}
    severity: critical
"""
Poison = Callable[[pd.DataFrame], pd.DataFrame]


def _settings(root: Path) -> ModelSettings:
    source = {"source": str(root / "shop.csv"), "until": "2024-03"}
    gate = {"calibration_margin": 0.05}
    return small.settings(ingest=source, validate={"freshness_days": 5}, gate=gate)


def _paths(root: Path) -> ModelPaths:
    paths = ModelPaths(root, small.MODEL)
    paths.expectations.parent.mkdir(parents=True)
    paths.expectations.write_text(RULES, encoding="utf-8")
    return paths


def _through(paths: ModelPaths, settings: ModelSettings) -> None:
    """All stages of a retrain but the search."""
    ingest.record(paths, settings)
    ingest.run(paths, settings)
    validate.run(paths, settings)
    split.run(paths, settings)
    small.chosen(paths)
    train.run(paths, settings)
    evaluate.run(paths, settings)


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its project; the record of its source is what the next retrain begins with."""
    root = tmp_path_factory.mktemp("champion")
    paths = _paths(root)
    small.table(3000, days=OLD_DAYS).to_csv(root / "shop.csv", index=False)
    known = _settings(root)
    until = {"until": "2024-02"}
    _through(paths, known.model_copy(update={"ingest": known.ingest.model_copy(update=until)}))
    return root


def _outcome(root: Path, champion: Path, source: bytes) -> str:
    """What became of a retrain on this file: who stopped it and why, or `promoted`."""
    paths, known = _paths(root), _settings(root)
    (root / "shop.csv").write_bytes((champion / "shop.csv").read_bytes())
    paths.source.write_bytes(ModelPaths(champion, small.MODEL).source.read_bytes())
    (root / "shop.csv").write_bytes(source)
    try:
        _through(paths, known)
    except EvergreenError as stopped:
        return f"{type(stopped).__name__}: {stopped.problem}"
    rival = ("shop@v1", ModelPaths(champion, small.MODEL).artifact)
    verdict = judging.decide(paths, known, rival, times_asked=0, is_forced=True)
    return "promoted" if verdict.has_passed else f"gate {verdict.outcome.value}: {verdict.reason}"


def _grown() -> pd.DataFrame:
    return small.table(4500, days=DAYS)


def _some(rows: pd.Series, **values: Any) -> Poison:
    """These values in the chosen rows."""
    return lambda frame: frame.assign(
        **{name: frame[name].mask(rows.to_numpy(), value) for name, value in values.items()}
    )


FRAME = _grown()
IS_NEW, IS_HELD_OUT = FRAME["day"] >= NEW, FRAME["day"] >= HELD_OUT
DRAW = np.random.default_rng(5)


def _labels(change: Callable[[pd.Series], Any], rows: pd.Series) -> Poison:
    def poison(frame: pd.DataFrame) -> pd.DataFrame:
        changed = frame["left"].copy()
        changed[rows] = change(changed[rows])
        return frame.assign(left=changed)

    return poison


def _leaked(frame: pd.DataFrame) -> pd.DataFrame:
    told = 100 * frame["left"] + DRAW.uniform(1, 50, len(frame))
    return frame.assign(spend=frame["spend"].where(~IS_NEW, told))


def _copied_back(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the holdout, told a second time with an earlier day."""
    later = frame[IS_HELD_OUT].head(60)
    return pd.concat([later.assign(day=frame["day"].min()), frame], ignore_index=True)


POISONS: dict[str, tuple[Poison, str]] = {
    "a feature is gone": (lambda frame: frame.drop(columns="visits"), "DataError: the columns of"),
    "the target is gone": (lambda frame: frame.drop(columns="left"), "left"),
    "numbers became text": (
        lambda frame: frame.assign(spend=frame["spend"].map("{:.2f} kr".format)),
        "spend",
    ),
    "no rows": (lambda frame: frame.head(0), "no rows"),
    "the new month never came": (lambda frame: frame[~IS_NEW], "day: max to be"),
    "labels of one class": (lambda frame: frame.assign(left=0.0), "one class only"),
    "new rows without labels": (_some(IS_NEW, left=np.nan), "few rows are in quarantine"),
    "new rows told twice": (
        lambda frame: pd.concat([frame, frame[IS_NEW]]),
        "few rows are in quarantine",
    ),
    "sizes that do not exist": (_some(IS_NEW, age=1e31), "few rows are in quarantine"),
    "another unit": (
        lambda frame: frame.assign(spend=frame["spend"].where(~IS_NEW, 1000 * frame["spend"])),
        "spend: values to be between",
    ),
    "a silent sensor": (_some(IS_NEW, visits=np.nan), "visits: proportion of non null"),
    "a feature that tells the label": (_leaked, "single features"),
    "shuffled labels": (_labels(DRAW.permutation, ~IS_HELD_OUT), "non-inferiority"),
    "labels turned around": (_labels(lambda left: 1 - left, ~IS_HELD_OUT), "non-inferiority"),
    "the holdout among the training": (_copied_back, "challenger overlap"),
}


def test_sound_data_is_promoted(tmp_path: Path, champion: Path) -> None:
    found = _outcome(tmp_path, champion, FRAME.to_csv(index=False).encode())
    assert found == "promoted"


@pytest.mark.parametrize("name", POISONS)
def test_it_is_stopped_before_promotion(name: str, tmp_path: Path, champion: Path) -> None:
    poison, reason = POISONS[name]
    found = _outcome(tmp_path, champion, poison(FRAME).to_csv(index=False).encode())
    assert found != "promoted"
    assert reason in found
