"""The real dirt of the flights of 2013 is caught by the project's own rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipelines import settings
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings
from pipelines.stages import ingest, validate

ROOT = Path(__file__).resolve().parents[2]
CANCELLED_OR_DIVERTED = 9430


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> ModelPaths:
    """All of 2013, through ingest and validate with the rules of the repository."""
    paths = ModelPaths(tmp_path_factory.mktemp("year"), "flights")
    paths.folder.mkdir(parents=True)
    for file in (paths.expectations, paths.source):
        shutil.copy(ROOT / "data" / "flights" / file.name, file)
    ours = settings.load(ROOT).model("flights")
    content = ours.model_dump(by_alias=True)
    content["ingest"]["until"] = "2013-12"
    year = ModelSettings.model_validate(content)
    ingest.run(paths, year)
    validate.run(paths, year)
    return paths


@pytest.mark.slow
def test_flights_without_a_label_are_taken_out(validated: ModelPaths) -> None:
    quarantined = pd.read_parquet(validated.quarantine / "rows.parquet")

    assert len(quarantined) == CANCELLED_OR_DIVERTED
    assert (
        quarantined["reasons"].map(" ".join).str.contains("label is known").sum()
        == CANCELLED_OR_DIVERTED
    )


@pytest.mark.slow
def test_a_flight_of_seventeen_miles_is_taken_out(validated: ModelPaths) -> None:
    quarantined = pd.read_parquet(validated.quarantine / "rows.parquet")
    short = quarantined[quarantined["distance"] == 17]

    assert len(short) == 1
    assert short["reasons"].map(" ".join).str.contains("distance").all()


@pytest.mark.slow
def test_a_wind_of_a_thousand_miles_an_hour_is_taken_out(validated: ModelPaths) -> None:
    weather = pd.read_parquet(validated.quarantine / "weather.parquet")

    assert (weather["wind_speed"] > 1000).sum() == 1


@pytest.mark.slow
def test_the_hour_that_exists_twice_is_reported_and_multiplies_no_flight(
    validated: ModelPaths,
) -> None:
    weather = pd.read_parquet(validated.quarantine / "weather.parquet")
    twice = weather[(weather["month"] == 11) & (weather["day"] == 3) & (weather["hour"] == 1)]
    rows = json.loads(validated.validation_summary.read_text())

    assert sorted(twice["origin"]) == ["EWR", "EWR", "JFK", "JFK", "LGA", "LGA"]
    assert json.dumps(rows).count("336776") >= 1
