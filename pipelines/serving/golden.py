"""A few rows with the answers that they must get: golden.json, in the bento.

They are asked when a server starts, on the machine that it starts on, before it is ready; and they
are the examples of the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.errors import CellError, ModelError
from pipelines.inference.encode import encode_rows
from pipelines.serving.served import Outputs, Servable

GOLDEN_JSON = "golden.json"
# The same graph on another processor: float32 sums in another order.
TOLERANCE = 1e-4


class Golden(msgspec.Struct, frozen=True):
    """Rows by the names of their columns, and the outputs of all rows by the names of outputs."""

    rows: list[dict[str, Any]]
    outputs: dict[str, list[Any]]

    def write(self, folder: Path) -> None:
        (folder / GOLDEN_JSON).write_bytes(msgspec.json.encode(self) + b"\n")


def read(folder: Path) -> Golden:
    """Read golden.json in `folder`.

    Raises:
        ModelError: it is missing, damaged, or holds no rows.
    """
    path = folder / GOLDEN_JSON
    try:
        golden = msgspec.json.decode(path.read_bytes(), type=Golden)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(
            f"no golden rows: {error}", where=str(path), next_step="build the bento again"
        ) from error
    if not golden.rows:
        raise ModelError("holds no rows", where=str(path), next_step="build the bento again")
    return golden


def require(model: Servable, golden: Golden, where: str) -> None:
    """Hold a model to its golden rows.

    Raises:
        ModelError: an answer differs, or a row cannot be asked.
    """
    try:
        outputs = model.answer(encode_rows(model.schema, golden.rows))
    except CellError as error:
        raise _other(f"cannot be asked: {error.where}: {error.problem}", where) from error
    wrong = _first_difference(outputs, golden.outputs)
    if wrong is not None:
        raise _other(wrong, where)


def _first_difference(outputs: Outputs, expected: Mapping[str, list[Any]]) -> str | None:
    if outputs.keys() != expected.keys():
        return f"expect the outputs {sorted(expected)}, and the model has {sorted(outputs)}"
    for name, values in outputs.items():
        wanted = expected[name]
        if values.dtype.kind != "f":
            if values.tolist() != wanted:
                return f"get another {name}"
            continue
        if (wrong := _number_difference(values, wanted)) is not None:
            return f"get another {name}: {wrong}"
    return None


def _number_difference(values: NDArray[Any], wanted: list[Any]) -> str | None:
    try:
        # Where a chain did not ask, both are NaN; JSON has null for it.
        known = np.asarray(wanted, dtype=np.float64)
    except (TypeError, ValueError):  # texts, or lists of different lengths
        return "those that are expected are no numbers"
    if known.shape != values.shape:
        return f"it has the shape {values.shape}, not {known.shape}"
    if (np.isnan(values) != np.isnan(known)).any():
        return "it is missing in other rows"
    if not np.allclose(values, known, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        return f"it differs by up to {float(np.nanmax(np.abs(values - known))):.3g}"
    return None


def _other(problem: str, where: str) -> ModelError:
    return ModelError(
        f"the golden rows {problem}",
        where=where,
        next_step="do not serve this bento; build it again, and look at the ONNX Runtime's version",
    )
