"""Whether a model's answer can be given to anybody."""

from __future__ import annotations

import math
from http import HTTPStatus

import numpy as np

from pipelines.serving.problems import refused
from pipelines.serving.served import Outputs, Servable


def require_rows(outputs: Outputs, rows: int) -> None:
    """Raises ValueError if there is not one answer a row: somebody would get another's."""
    for name, values in outputs.items():
        if len(values) != rows:
            raise ValueError(f"the model's {name} has {len(values)} rows for {rows}")


def require_numbers(model: Servable, outputs: Outputs) -> None:
    """Raises RequestError (500) for an infinity or a NaN where every row has a number."""
    for output in model.outputs:
        if output.is_partial or output.datatype != "FP64":
            continue
        values = outputs[output.name]
        # A sum that is finite has only finite parts.
        total = values.item() if values.size == 1 else np.add.reduce(values, axis=None)
        if math.isfinite(total) or np.isfinite(values).all():
            continue
        row = int(np.argmax(~np.isfinite(values).reshape(len(values), -1).all(axis=1)))
        raise refused(
            f"the model's {output.name} is no number",
            f"row {row} (counted from 0)",
            "report the request id: the model is at fault, and not the row",
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )
