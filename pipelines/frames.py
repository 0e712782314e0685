"""Frames between stages: reading partitions, and turning rows into what a model takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.schema import MISSING_CATEGORY, Schema


def read_partitions(folder: Path) -> pd.DataFrame:
    """All partitions of `raw/` or `clean/`, in order of their names, with a fresh index."""
    files = sorted(folder.glob("*.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def features(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The features of `frame`: numbers as float64 first, then categories as plain strings.

    Missing is NaN in a number and the empty string in a category, as in the service.
    """
    numbers = frame[list(schema.numbers)].astype("float64")
    categories = frame[list(schema.categories)].astype(object)
    return pd.concat([numbers, categories.where(categories.notna(), MISSING_CATEGORY)], axis=1)


def labels(frame: pd.DataFrame, schema: Schema) -> npt.NDArray[np.int64]:
    return frame[schema.target].to_numpy(dtype=np.int64)


def groups(frame: pd.DataFrame, schema: Schema) -> npt.NDArray[np.object_]:
    """What belongs together: the group column, else the day, else every row on its own."""
    if schema.group is not None:
        return frame[schema.group].astype(str).to_numpy(dtype=object)
    if schema.time is not None:
        return frame[schema.time].dt.strftime("%Y-%m-%d").to_numpy(dtype=object)
    return row_hashes(frame, schema).astype(str).astype(object)


def row_hashes(frame: pd.DataFrame, schema: Schema) -> npt.NDArray[np.uint64]:
    """A digest of every row's features and label, to find a row on two sides."""
    columns = features(frame, schema).assign(**{schema.target: labels(frame, schema)})
    hashes: npt.NDArray[np.uint64] = pd.util.hash_pandas_object(columns, index=False).to_numpy()
    return hashes
