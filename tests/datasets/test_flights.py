"""The flights of 2013, the real ones: months, labels, weather, and nothing from the future."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from pipelines.datasets import flights
from pipelines.datasets.flights import SCHEMA, SOURCE, Flights
from pipelines.errors import SourceError
from pipelines.settings import IngestSettings


def settings(since: str | None = None, until: str | None = None) -> IngestSettings:
    return IngestSettings(dataset="flights", source=SOURCE, since=since, until=until)


@pytest.fixture(scope="module")
def year() -> Mapping[str, pd.DataFrame]:
    """Every month of the year, by its name."""
    return dict(Flights().read(settings()).partitions)


@pytest.fixture(scope="module")
def source() -> pd.DataFrame:
    return pd.read_csv(flights._folder(settings()) / "flights.csv.zip")


def test_twelve_months_with_every_flight_once(
    year: Mapping[str, pd.DataFrame], source: pd.DataFrame
) -> None:
    assert list(year) == [f"2013-{month:02d}" for month in range(1, 13)]
    assert sum(map(len, year.values())) == len(source) == 336_776
    assert [len(part) for part in year.values()] == source["month"].value_counts(
        sort=False
    ).sort_index().tolist()
    for name, part in year.items():
        assert set(part["date"].dt.strftime("%Y-%m")) == {name}
        assert part["date"].is_monotonic_increasing


def test_the_label_is_more_than_fifteen_minutes_late(
    year: Mapping[str, pd.DataFrame], source: pd.DataFrame
) -> None:
    labels = pd.concat([part["late"] for part in year.values()])
    assert labels.isna().sum() == source["arr_delay"].isna().sum() == 9430
    assert labels.sum() == (source["arr_delay"] > 15).sum()
    assert set(labels.dropna()) == {0, 1}


def test_nothing_that_is_known_only_later_is_a_column(year: Mapping[str, pd.DataFrame]) -> None:
    columns = set(year["2013-01"].columns)
    later = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "actual"}
    assert not columns & later
    assert set(SCHEMA.features) <= columns
    assert SCHEMA.target not in SCHEMA.features


def test_no_feature_gives_the_label_away(year: Mapping[str, pd.DataFrame]) -> None:
    """The schedule cannot know: no number orders the flights of a month by their delay."""
    from pipelines.statistics.auc import auc

    month = year["2013-07"].dropna(subset=["late"])
    for name in SCHEMA.numbers:
        known = month[month[name].notna()]
        if known["late"].nunique() == 2:
            reached = auc(
                known["late"].to_numpy(dtype=int), known[name].to_numpy(dtype=float, na_value=0.0)
            )
            assert 0.25 < reached < 0.75, name


def test_the_hours_that_exist_twice_do_not_multiply_rows(
    year: Mapping[str, pd.DataFrame], source: pd.DataFrame
) -> None:
    """On the third of November the local hour one comes twice in the weather."""
    weather = Flights().read(settings("2013-11", "2013-11")).tables["weather"]
    local = weather.duplicated(["origin", "year", "month", "day", "hour"], keep=False)
    assert local.sum() == 6
    assert not weather.duplicated(["origin", "time_hour"]).any()
    day = source[(source["month"] == 11) & (source["day"] == 3)]
    assert (year["2013-11"]["date"] == "2013-11-03").sum() == len(day)


def test_weather_is_joined_to_the_hour_and_place(year: Mapping[str, pd.DataFrame]) -> None:
    raw = pd.read_csv(flights._folder(settings()) / "weather.csv")
    hour = raw[(raw["time_hour"] == "2013-02-08T17:00:00Z") & (raw["origin"] == "JFK")].iloc[0]
    month = year["2013-02"]
    row = month[
        (month["date"] == "2013-02-08")
        & (month["origin"] == "JFK")
        & month["departure_minute"].between(12 * 60, 12 * 60 + 59)
    ]
    assert len(row) > 5
    assert set(row["temp"]) == {hour["temp"]}
    assert set(row["visib"]) == {hour["visib"]}


def test_a_window_of_months() -> None:
    ingested = Flights().read(settings("2013-02", "2013-03"))
    parts = dict(ingested.partitions)
    assert list(parts) == ["2013-02", "2013-03"]
    assert set(ingested.tables["weather"]["month"]) == {2, 3}
    assert ingested.schema == SCHEMA


def test_a_window_without_flights() -> None:
    with pytest.raises(SourceError, match="no flights from 2014-01 to 2014-02"):
        Flights().read(settings("2014-01", "2014-02"))
    with pytest.raises(SourceError, match="no flights"):
        Flights().read(settings("2013-05", "2013-02"))


def test_another_source_is_refused() -> None:
    other = IngestSettings(dataset="flights", source="flights.csv")
    with pytest.raises(SourceError, match=f"reads {SOURCE}, not flights.csv"):
        Flights().fingerprint(other)


def test_the_fingerprint_does_not_depend_on_the_window() -> None:
    seen = Flights().fingerprint(settings())
    assert seen == Flights().fingerprint(settings("2013-02", "2013-02"))
    assert set(seen["sha256"]) == set(flights._FILES)
    assert Path(flights._folder(settings())).is_dir()
