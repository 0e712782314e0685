"""The rows that stand for "not known" when a model is explained."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipelines.errors import ModelError
from pipelines.frames import tensors
from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.signature import GOLDEN_FILE

# The standard error of the base value falls with the root of it, the time grows with it.
BACKGROUND_ROWS = 50


def background(folder: Path, session: ModelSession) -> Tensors:
    """The last golden rows of a model folder, as tensors.

    They are a seeded sample of the rows that the model learned from; only the rows before them
    are made to be hard. Unlike `splits/reference.parquet`, which samples the same rows, they lie
    in the model folder: the report and `evergreen explain` measure against one base value, on any
    machine that has the model.

    Raises:
        ModelError: the folder has no golden rows, or they are not of this model.
    """
    path = folder / GOLDEN_FILE
    schema = session.signature.schema
    try:
        frame = pd.read_parquet(path, columns=list(schema.features))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"the golden rows cannot be read: {error}",
            where=str(path),
            next_step="`dvc checkout --force`, or train the model again",
        ) from error
    if frame.empty:
        raise ModelError(
            "there are no golden rows", where=str(path), next_step="train the model again"
        )
    return tensors(frame.tail(BACKGROUND_ROWS), schema)
