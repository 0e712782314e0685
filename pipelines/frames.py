"""Frames between stages: reading partitions, and turning rows into what a model takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.errors import DataError, SettingsError
from pipelines.inference.cells import number_problem
from pipelines.inference.encode import Tensors, encode_columns
from pipelines.schema import CATEGORIES, NUMBERS, Schema


def read_partitions(folder: Path) -> pd.DataFrame:
    """All partitions of `raw/` or `clean/`, in order of their names, with a fresh index.

    Raises:
        DataError: there are none.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise DataError(
            "there are no rows",
            where=str(folder),
            next_step="run the stages before this one (`dvc repro`)",
        )
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def tensors(frame: pd.DataFrame, schema: Schema) -> Tensors:
    """What the model's graph takes, through the same code as in the service.

    Raises:
        DataError: a column that the schema calls a number holds something else.
        CellError: a value cannot be used; see `encode_columns`.
    """
    columns = {
        name: frame[name].to_numpy(dtype=object, na_value=None) for name in schema.categories
    }
    for name in schema.numbers:
        columns[name] = _floats(frame[name])
    return encode_columns(schema, columns)


def _floats(column: pd.Series) -> npt.NDArray[np.float64]:
    if not pd.api.types.is_numeric_dtype(column):
        # Looked at one by one: pandas would read the text "12" as 12, and the service does not.
        known = column.dropna()
        wrong = known[known.map(lambda value: number_problem(value) is not None)]
        if len(wrong):
            raise DataError(
                f"is a number in the schema; {len(wrong)} of {len(column)} values are none, "
                f"the first is {wrong.iloc[0]!r}",
                where=f"column {column.name!r}",
                next_step="mend the source, or list the column in ingest.categories or "
                "ingest.ignore; then run the stages again from ingest (`dvc repro`)",
            )
    floats: npt.NDArray[np.float64] = column.to_numpy(dtype="float64", na_value=np.nan)
    return floats


def features(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The features of `frame` as training takes them: numbers first, then categories.

    Missing is NaN in a number and the empty string in a category, as in the service.
    """
    encoded = tensors(frame, schema)
    parts = []
    if schema.numbers:
        parts.append(pd.DataFrame(encoded[NUMBERS], columns=list(schema.numbers)))
    if schema.categories:
        names = list(schema.categories)
        parts.append(pd.DataFrame(encoded[CATEGORIES], columns=names, dtype=object))
    return pd.concat(parts, axis=1)


def labels(frame: pd.DataFrame, schema: Schema) -> npt.NDArray[Any]:
    """The truth of each row, shape (rows,): int64 class numbers, or float64 for a regression."""
    kind = np.float64 if schema.task == "regression" else np.int64
    return frame[schema.target].to_numpy(dtype=kind)


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


def slice_columns(
    frame: pd.DataFrame, schema: Schema, names: tuple[str, ...]
) -> dict[str, npt.NDArray[np.object_]]:
    """The columns to slice by, as text; `month` comes from the time column if there is none.

    Raises:
        SettingsError: a column that the data does not have.
    """
    found = {}
    for name in names:
        if name in frame:
            column = frame[name]
        elif name == "month" and schema.time is not None:
            column = frame[schema.time].dt.strftime("%Y-%m")
        else:
            raise SettingsError(
                f"there is no column {name!r}; there are {', '.join(frame.columns)}",
                where="params.yaml: evaluate.slices, gate.fairness",
                next_step="use one of those",
            )
        found[name] = column.astype(str).where(column.notna(), "missing").to_numpy(dtype=object)
    return found
