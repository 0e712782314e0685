"""Reading golden rows: what any form of a model is asked, and what training code answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.errors import PackageError
from pipelines.schema import Schema
from pipelines.signature import GOLDEN_FILE, golden_answers


def read(folder: Path, schema: Schema) -> pa.RecordBatch:
    """The golden rows of a model folder, features and answers.

    Raises:
        PackageError: there are none, or they cannot be read.
    """
    path = folder / GOLDEN_FILE
    try:
        table = pq.read_table(path)
        for name in golden_answers(schema):
            table.column(name)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise PackageError(
            f"no golden rows: {error}",
            where=str(path),
            next_step="train the model again (`dvc repro train@MODEL`) or `dvc checkout`",
        ) from error
    # An empty batch for an empty file: encoding it then says that there are no rows.
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def rows(golden: pa.RecordBatch, schema: Schema) -> list[dict[str, Any]]:
    """The features as JSON has them: one object a row, null for what is missing."""
    # JSON has no NaN, which Parquet may hold for a missing number.
    return [
        {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124
        for row in golden.select(list(schema.features)).to_pylist()
    ]


def answers(golden: pa.RecordBatch, schema: Schema) -> NDArray[np.float64]:
    """What training code answered: one value a row, or with several classes one column each."""
    columns = [golden.column(name).to_numpy() for name in golden_answers(schema)]
    return np.column_stack(columns) if schema.task == "multiclass" else columns[0]
