"""The golden rows that a bento carries, out of those of its model folder."""

from __future__ import annotations

from pathlib import Path

from pipelines import golden
from pipelines.inference.encode import encode_rows
from pipelines.serving.golden import Golden
from pipelines.serving.served import Servable

# They are asked whenever a server starts, and are its document's examples.
CARRIED_ROWS = 20


def carried(artifact: Path, served: Servable) -> Golden:
    """The first golden rows of a model folder, with the answers of its graph.

    Raises:
        PackageError: the folder has no golden rows.
    """
    known = golden.read(artifact, served.schema).slice(0, CARRIED_ROWS)
    rows = golden.rows(known, served.schema)
    outputs = served.answer(encode_rows(served.schema, rows))
    return Golden(rows, {name: values.tolist() for name, values in outputs.items()})
