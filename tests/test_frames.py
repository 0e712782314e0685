"""From files to what training takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines import frames
from pipelines.errors import CellError, DataError, SettingsError
from pipelines.files import write_parquet
from tests.small import SCHEMA, table


def test_partitions_come_in_order_with_a_fresh_index(tmp_path: Path) -> None:
    frame = table(300)
    for name, part in (("2024-02", frame.iloc[100:]), ("2024-01", frame.iloc[:100])):
        write_parquet(part, tmp_path / f"{name}.parquet")
    (tmp_path / "tables").mkdir()
    write_parquet(frame, tmp_path / "tables" / "other.parquet")
    pd.testing.assert_frame_equal(frames.read_partitions(tmp_path), frame)


def test_no_partitions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no rows"):
        frames.read_partitions(tmp_path)


def test_features_are_what_the_service_would_make() -> None:
    frame = table(200)
    known = frames.features(frame, SCHEMA)
    assert list(known.columns) == list(SCHEMA.features)
    assert (known["city"] == "").sum() == frame["city"].isna().sum() > 0
    assert known["age"].isna().sum() == frame["age"].isna().sum() > 0
    assert known["spend"].tolist() == frame["spend"].tolist()
    encoded = frames.tensors(frame, SCHEMA)
    assert encoded["numbers"].shape == (200, 3)
    assert encoded["categories"].shape == (200, 2)


def test_nullable_types_mean_the_same() -> None:
    frame = table(200)
    nullable = frame.convert_dtypes()
    pd.testing.assert_frame_equal(frames.features(nullable, SCHEMA), frames.features(frame, SCHEMA))


def test_a_category_that_became_a_number_is_refused() -> None:
    with pytest.raises(CellError, match="city"):
        frames.features(table(50).assign(city=1.0), SCHEMA)


@pytest.mark.parametrize("texts", [["12", "13,5"], ["many", None], [None, "7"]])
def test_a_number_that_became_text_is_named_with_an_example(texts: list[str | None]) -> None:
    frame = table(50).assign(spend=texts * 25)
    example = next(text for text in texts if text is not None)
    with pytest.raises(DataError, match=f"column 'spend': .*the first is '{example}'"):
        frames.tensors(frame, SCHEMA)


def test_a_time_is_no_number() -> None:
    with pytest.raises(DataError, match=r"column 'age': .*50 of 50 values"):
        frames.tensors(table(50).assign(age=pd.Timestamp("2024-01-01")), SCHEMA)


def test_a_number_that_is_nowhere_known_is_missing() -> None:
    unknown = table(50).assign(age=pd.Series([None] * 50, dtype=object))
    assert np.isnan(frames.tensors(unknown, SCHEMA)["numbers"][:, 2]).all()


def test_what_belongs_together() -> None:
    frame = table(500)
    assert set(frames.groups(frame, SCHEMA)) == set(frame["day"].dt.strftime("%Y-%m-%d"))
    by_customer = frames.groups(frame, replace(SCHEMA, group="customer"))
    assert by_customer.tolist() == frame["customer"].tolist()
    alone = frames.groups(frame, replace(SCHEMA, time=None))
    assert len(set(alone)) == 500


def test_a_row_is_known_by_its_features_and_label() -> None:
    frame = table(300)
    hashes = frames.row_hashes(frame, SCHEMA)
    assert hashes.dtype == np.uint64
    assert len(set(hashes)) == 300
    assert np.array_equal(frames.row_hashes(frame.iloc[::-1], SCHEMA)[::-1], hashes)
    # What is no feature does not make another row of it.
    assert np.array_equal(frames.row_hashes(frame.assign(customer="x"), SCHEMA), hashes)
    assert not set(frames.row_hashes(frame.assign(left=1 - frame["left"]), SCHEMA)) & set(hashes)
    assert not set(frames.row_hashes(frame.assign(visits=-1.0), SCHEMA)) & set(hashes)


def test_columns_to_slice_by() -> None:
    frame = table(500)
    found = frames.slice_columns(frame, SCHEMA, ("city", "month"))
    assert set(found["city"]) == {"Oslo", "Bergen", "Ålesund", "missing"}
    assert set(found["month"]) == {"2024-01", "2024-02"}
    with pytest.raises(SettingsError, match="no column 'month'") as caught:
        frames.slice_columns(frame, replace(SCHEMA, time=None), ("month",))
    assert "evaluate.slices" in caught.value.where
