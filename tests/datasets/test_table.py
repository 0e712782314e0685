"""Any table becomes partitions and a schema, or is refused by column."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.datasets.columns import check_not_identifiers, roles
from pipelines.datasets.table import Table
from pipelines.errors import DataError, SettingsError, SourceError
from pipelines.schema import Schema
from pipelines.settings import IngestSettings


def rows(count: int = 60) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"r{number}" for number in range(count)],
            "at": pd.date_range("2024-01-15", periods=count, freq="D"),
            "customer": [number // 3 for number in range(count)],
            "plan": ["NA", "pro", None] * (count // 3),
            "zone": [1, 2, 3] * (count // 3),
            "price": [1.5, None, 3.0] * (count // 3),
            "active": [True, False, True] * (count // 3),
            "churned": ["yes", "no", "no"] * (count // 3),
        }
    )


def settings(source: Path | str, **changes: Any) -> IngestSettings:
    values = {
        "dataset": "table",
        "source": str(source),
        "target": "churned",
        "time": "at",
        "group": "customer",
        "ignore": ("id",),
        "categories": ("zone",),
        **changes,
    }
    return IngestSettings.model_validate(values)


@pytest.fixture(params=["csv", "parquet", "sqlite", "s3"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    frame = rows()
    if request.param == "s3":
        files = request.getfixturevalue("bucket")
        for number, part in enumerate([frame[:20], frame[20:]]):
            files.pipe(f"sales/t/{number}.csv", part.to_csv(index=False).encode())
        return "s3://sales/t/*.csv"
    if request.param == "csv":
        frame.to_csv(tmp_path / "a.csv", index=False)
        return str(tmp_path / "a.csv")
    if request.param == "parquet":
        frame.to_parquet(tmp_path / "a.parquet")
        return str(tmp_path / "a.parquet")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        frame.to_sql("t", connection, index=False)
    return f"sqlite:///{tmp_path / 'a.db'}?table=t"


def test_every_kind_of_source_gives_the_same_rows(source: str) -> None:
    ingested = Table().read(settings(source))
    # SQLite has no type for true and false; 1 and 0 come to the same.
    assert ingested.schema == Schema(
        numbers=("price", "active"),
        categories=("plan", "zone"),
        target="churned",
        time="at",
        group="customer",
    )
    parts = dict(ingested.partitions)
    assert list(parts) == ["2024-01", "2024-02", "2024-03"]
    assert [len(part) for part in parts.values()] == [17, 29, 14]
    january = parts["2024-01"]
    assert january.columns.tolist() == [
        "at", "customer", "plan", "zone", "price", "active", "churned",
    ]  # fmt: skip
    assert january["churned"].tolist()[:3] == [1.0, 0.0, 0.0]
    assert january["zone"].tolist()[:3] == ["1", "2", "3"]
    assert january["plan"].tolist()[:2] == ["NA", "pro"]
    assert january["plan"].isna().tolist()[:3] == [False, False, True]
    assert january["active"].tolist()[:2] == [1.0, 0.0]
    assert january.dtypes.to_dict() == parts["2024-03"].dtypes.to_dict()
    assert january.index.tolist() == list(range(17))


def test_the_window_takes_whole_months(source: str) -> None:
    whole = Table().fingerprint(settings(source))
    window = settings(source, since="2024-02", until="2024-02")
    assert [name for name, _ in Table().read(window).partitions] == ["2024-02"]
    assert Table().fingerprint(window) == whole


def test_without_a_time_there_is_one_partition(source: str) -> None:
    plain = settings(source, time=None, ignore=("id", "at"))
    ingested = Table().read(plain)
    assert ingested.schema.time is None
    [(name, frame)] = ingested.partitions
    assert name == "all"
    assert len(frame) == 60


def test_rows_come_in_the_order_of_time(tmp_path: Path) -> None:
    rows().iloc[::-1].to_csv(tmp_path / "a.csv", index=False)
    for _, frame in Table().read(settings(tmp_path / "a.csv")).partitions:
        assert frame["at"].is_monotonic_increasing


def test_time_zones_become_utc(tmp_path: Path) -> None:
    frame = rows().assign(at="2024-02-01T00:30:00+02:00")
    frame.to_csv(tmp_path / "a.csv", index=False)
    [(name, part)] = Table().read(settings(tmp_path / "a.csv")).partitions
    assert name == "2024-01"
    assert part["at"].iloc[0] == pd.Timestamp("2024-01-31 22:30")


def test_an_unlabelled_row_stays_unlabelled(tmp_path: Path) -> None:
    frame = rows()
    frame.loc[0, "churned"] = None
    frame.to_csv(tmp_path / "a.csv", index=False)
    _, part = next(Table().read(settings(tmp_path / "a.csv")).partitions)
    assert part["churned"].isna().tolist()[:2] == [True, False]


def test_decimals_are_numbers(tmp_path: Path) -> None:
    rows().assign(price=[Decimal("1.25")] * 60).to_parquet(tmp_path / "a.parquet")
    ingested = Table().read(settings(tmp_path / "a.parquet"))
    assert "price" in ingested.schema.numbers
    assert next(ingested.partitions)[1]["price"].iloc[0] == 1.25


def test_a_category_with_gaps_keeps_the_names_of_whole_numbers(tmp_path: Path) -> None:
    rows().assign(zone=[1.0, None, 3.0] * 20).to_parquet(tmp_path / "a.parquet")
    _, part = next(Table().read(settings(tmp_path / "a.parquet")).partitions)
    assert part["zone"].iloc[0] == "1"
    assert part["zone"].isna().iloc[1]


BAD_SETTINGS = {
    "no target": ({"target": None}, "ingest.target: missing"),
    "a window without time": ({"time": None, "since": "2024-01"}, "need a time column"),
    "two roles": ({"group": "at"}, "column 'at' is also ingest.time"),
    "ignored and used": ({"ignore": ("id", "zone")}, "column 'zone' is also ingest.ignore"),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_settings_that_do_not_say_enough(case: str, tmp_path: Path) -> None:
    changes, words = BAD_SETTINGS[case]
    rows().to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SettingsError, match=words):
        Table().read(settings(tmp_path / "a.csv", **changes))


BAD_DATA: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "missing target": (
        {},
        {"target": "lost"},
        r"no column 'lost' \(ingest.target\); there are: id",
    ),
    "missing ignored": ({}, {"ignore": ("id", "x")}, r"no column 'x' \(ingest.ignore\)"),
    "target without value": ({"churned": None}, {}, "no value in any of 60 rows"),
    "target of one class": ({"churned": "no"}, {}, "one class only, 'no'"),
    "target of three": ({"churned": ["a", "b", "c"] * 20}, {}, "3 distinct values, not two: 'a'"),
    "target of numbers": ({"churned": range(60)}, {}, "60 distinct values, not two: 0, 1,"),
    "an identifier": ({}, {"ignore": ()}, "id: 60 distinct texts in 60 rows: an identifier"),
    "a second time": (
        {"seen": pd.Timestamp("2024-01-01")},
        {},
        "seen: holds time, which is neither number nor text",
    ),
    "an empty column": ({"price": None}, {}, "price: the column is empty in every row"),
    "a list": ({"tags": [[1]] * 60}, {}, "tags: holds mixed, which is neither"),
    "no feature": (
        {},
        {"categories": (), "ignore": ("id", "plan", "zone", "price", "active")},
        "no column is left to predict from",
    ),
    "an epoch": ({"at": range(60)}, {}, "at: holds numbers"),
    "a bad time": ({"at": ["2024-01-01"] * 59 + ["soon"]}, {}, "1 of 60 .* 'soon' in row 60"),
    "a lacking time": ({"at": [date(2024, 1, 1)] * 59 + [None]}, {}, "1 of 60 values are no time"),
    "an empty window": (
        {},
        {"since": "2030-01"},
        "no row from 2030-01 to the end; the data goes from 2024-01 to 2024-03",
    ),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_data_that_cannot_be_used_is_named(case: str, tmp_path: Path) -> None:
    columns, changes, words = BAD_DATA[case]
    rows().assign(**columns).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=words) as caught:
        list(Table().read(settings(tmp_path / "a.parquet", **changes)).partitions)
    assert "a.parquet" in caught.value.where


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        Table().read(settings(tmp_path / "none.csv"))


def test_a_message_about_a_column_does_not_show_the_password() -> None:
    secret = settings("postgresql://me:hunter2@host/shop?table=orders", target="lost")
    with pytest.raises(DataError) as missing:
        roles(["at", "customer"], "lost", secret)
    with pytest.raises(DataError) as identifier:
        names = pd.Series([f"r{number}" for number in range(60)])
        check_not_identifiers({"id": names}, ["id"], secret)
    for caught in (missing, identifier):
        assert "hunter2" not in str(caught.value)
        assert "host/shop" in caught.value.where
