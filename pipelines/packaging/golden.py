"""The golden rows of a model folder, and those few of them that a bento carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import PackageError
from pipelines.inference.encode import encode_rows
from pipelines.serving.golden import Golden
from pipelines.serving.served import Servable
from pipelines.signature import GOLDEN_FILE, Signature, golden_answers

Row = dict[str, Any]
# They are asked whenever a server starts, and are its document's examples.
CARRIED_ROWS = 20


def carried(artifact: Path, served: Servable) -> Golden:
    """The first golden rows of a model folder, with the answers of its graph.

    Raises:
        PackageError: the folder has no golden rows.
    """
    rows = as_rows(
        read_golden(artifact).slice(0, CARRIED_ROWS).select(list(served.schema.features))
    )
    outputs = served.answer(encode_rows(served.schema, rows))
    return Golden(rows, {name: values.tolist() for name, values in outputs.items()})


def read_golden(artifact: Path) -> pa.RecordBatch:
    """The golden rows of a model folder, features and expected answers.

    Raises:
        PackageError: they are missing, half-written, or of another task.
    """
    path = artifact / GOLDEN_FILE
    try:
        table = pq.read_table(path)
        for name in golden_answers(Signature.read(artifact).schema):
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


def as_rows(batch: pa.RecordBatch) -> list[Row]:
    """The rows of a batch as JSON has them."""
    # JSON has no NaN: a missing number is null there, however Parquet has it.
    return [
        {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124
        for row in batch.to_pylist()
    ]
