"""Train, tuning and holdout share nothing, and the later is never before the earlier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import DataError
from pipelines.files import read_json
from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.settings import SplitSettings
from pipelines.stages import split
from tests.small import SCHEMA, clean, settings, table

DAYS = SplitSettings(tuning_days=10, holdout_days=15)
SHARES = SplitSettings(tuning_share=0.2, holdout_share=0.25)
GROUPED = replace(SCHEMA, time=None, group="customer")


def sides(paths: ModelPaths) -> dict[str, pd.DataFrame]:
    return {name: pd.read_parquet(paths.splits / f"{name}.parquet") for name in split.SIDES}


def test_every_row_is_on_one_side_and_days_do_not_cross(tmp_path: Path) -> None:
    frame = table()
    paths = clean(tmp_path, frame)
    split.run(paths, settings())
    found = sides(paths)
    assert sum(map(len, found.values())) == len(frame)
    days = {name: part["day"].dt.floor("D") for name, part in found.items()}
    assert days["train"].max() < days["tuning"].min()
    assert days["tuning"].max() < days["holdout"].min()
    assert days["tuning"].nunique() == 10
    assert days["holdout"].nunique() == 15
    assert days["train"].nunique() == 60 - 25
    assert Schema.read(paths.splits) == SCHEMA


def test_what_is_written_says_what_the_sides_are(tmp_path: Path) -> None:
    paths = clean(tmp_path)
    split.run(paths, settings())
    summary = read_json(paths.splits / "split.json")
    assert list(summary) == list(split.SIDES)
    for name, part in sides(paths).items():
        assert summary[name]["rows"] == len(part)
        assert summary[name]["labels"]["positive_share"] == pytest.approx(
            part["left"].mean(), abs=1e-6
        )
        assert summary[name]["first"] == str(part["day"].min().date())
        assert summary[name]["last"] == str(part["day"].max().date())


def test_the_reference_holds_nothing_of_the_holdout(tmp_path: Path) -> None:
    paths = clean(tmp_path)
    split.run(paths, settings())
    reference = pd.read_parquet(paths.splits / "reference.parquet")
    assert len(reference) == 300
    assert reference["day"].max() < sides(paths)["holdout"]["day"].min()
    # All of what the model learns from, not its beginning only.
    assert reference["day"].max() >= sides(paths)["tuning"]["day"].min()


def test_days_without_rows_are_not_counted() -> None:
    frame = table()
    gap = frame[~frame["day"].dt.day.isin([3, 4, 5])]
    found = split.divide(gap, SCHEMA, DAYS)
    assert gap[found == "holdout"]["day"].nunique() == 15
    assert gap[found == "tuning"]["day"].nunique() == 10


def test_a_time_within_the_day_does_not_cut_the_day() -> None:
    frame = table().assign(day=lambda rows: rows["day"] + pd.to_timedelta(rows.index % 24, "h"))
    found = split.divide(frame, SCHEMA, DAYS)
    per_day = found.groupby(frame["day"].dt.floor("D")).nunique()
    assert (per_day == 1).all()


@pytest.mark.parametrize("days", [1, 25])
def test_too_few_days_names_the_keys(days: int) -> None:
    with pytest.raises(DataError, match=f"{days} days of data, and 26 are needed") as caught:
        split.divide(table(days=days), SCHEMA, DAYS)
    assert "split.tuning_days, split.holdout_days" in caught.value.where
    assert "ingest.since and ingest.until" in caught.value.next_step


def test_exactly_enough_days() -> None:
    found = split.divide(table(days=26), SCHEMA, DAYS)
    assert set(found) == set(split.SIDES)


@pytest.mark.parametrize("side", split.SIDES)
def test_one_class_on_a_side_is_refused(tmp_path: Path, side: str) -> None:
    frame = table()
    where = split.divide(frame, SCHEMA, DAYS) == side
    paths = clean(tmp_path, frame.assign(left=frame["left"].where(~where, 1.0)))
    with pytest.raises(DataError, match=f"the {side} side has only class 1"):
        split.run(paths, settings())


def test_no_rows_at_all(tmp_path: Path) -> None:
    paths = clean(tmp_path)
    (paths.clean / "all.parquet").unlink()
    with pytest.raises(DataError, match="there are no rows") as caught:
        split.run(paths, settings())
    assert caught.value.where == str(paths.clean)


def test_groups_do_not_cross() -> None:
    frame = table()
    found = split.divide(frame, GROUPED, SHARES)
    assert (found.groupby(frame["customer"]).nunique() == 1).all()
    shares = found.value_counts(normalize=True)
    assert shares["holdout"] == pytest.approx(0.25, abs=0.07)
    assert shares["tuning"] == pytest.approx(0.2, abs=0.07)


def test_a_group_stays_on_its_side_when_more_data_arrives() -> None:
    before, after = table(2000), pd.concat([table(2000), table(1500, seed=5)], ignore_index=True)
    found = split.divide(before, GROUPED, SHARES)
    later = split.divide(after, GROUPED, SHARES)
    assert later.iloc[: len(before)].tolist() == found.tolist()
    shuffled = after.sample(frac=1, random_state=0)
    assert split.divide(shuffled, GROUPED, SHARES).sort_index().tolist() == later.tolist()


def test_without_time_and_group_equal_rows_stay_together() -> None:
    bare = replace(SCHEMA, time=None)
    frame = table(1500)
    twice = pd.concat([frame, frame.sample(frac=0.5, random_state=1)], ignore_index=True)
    found = split.divide(twice, bare, SHARES)
    assert (found.groupby(pd.util.hash_pandas_object(twice, index=False)).nunique() == 1).all()
    assert found.iloc[:1500].tolist() == split.divide(frame, bare, SHARES).tolist()
    assert set(found) == set(split.SIDES)


def test_a_group_that_lives_on_keeps_its_latest_rows_only(tmp_path: Path) -> None:
    """With a time and a group: neither does a group cross, nor does the past enter the holdout."""
    frame = table(3000).assign(customer=lambda rows: [f"c{i * 7919 % 2500}" for i in rows.index])
    schema = replace(SCHEMA, group="customer")
    paths = clean(tmp_path, frame, schema)
    split.run(paths, settings())
    found = sides(paths)
    groups = {name: set(part["customer"]) for name, part in found.items()}
    assert not groups["train"] & groups["tuning"]
    assert not (groups["train"] | groups["tuning"]) & groups["holdout"]
    assert found["train"]["day"].max() < found["tuning"]["day"].min()
    assert found["tuning"]["day"].max() < found["holdout"]["day"].min()
    left_out = read_json(paths.splits / "split.json")[split.LEFT_OUT]["rows"]
    assert left_out == len(frame) - sum(map(len, found.values())) > 0


@pytest.mark.parametrize("schema", [GROUPED, replace(SCHEMA, group="customer")])
def test_rows_without_a_group_are_refused(schema: Schema) -> None:
    frame = table(500)
    frame.loc[3, "customer"] = None
    with pytest.raises(DataError, match="1 rows have no value") as caught:
        split.divide(frame, schema, DAYS)
    assert "'customer' (ingest.group)" in caught.value.where


def test_twice_gives_the_same_bytes_and_leaves_nothing_of_before(tmp_path: Path) -> None:
    paths = clean(tmp_path)
    split.run(paths, settings())
    before = {path.name: path.read_bytes() for path in paths.splits.iterdir()}
    (paths.splits / "left over.parquet").write_bytes(b"")
    split.run(paths, settings())
    assert {path.name: path.read_bytes() for path in paths.splits.iterdir()} == before
