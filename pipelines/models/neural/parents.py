"""The network that an incremental training goes on from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import ModelError
from pipelines.models.neural.network import NETWORK_FILE, Network, read
from pipelines.models.parents import differences as schema_differences
from pipelines.models.space import Value
from pipelines.schema import Schema

# What no weight depends on.
_FREE = frozenset({"dropout"})
_NEXT_STEP = "train anew, or go on from a version whose features, classes and layers are the same"


def parent(folder: Path, family: str, schema: Schema, shape: Mapping[str, Value]) -> Network:
    """The network in `folder`, which the one to be trained is able to go on from.

    Raises:
        ModelError: there is none, it is damaged, or it is of another kind; the message says what
            is different.
    """
    found = read(folder / NETWORK_FILE, next_step=_NEXT_STEP)
    apart = differences(found, family, schema, shape)
    if apart:
        raise ModelError(
            f"the parent cannot be gone on from: {'; '.join(apart)}",
            where=str(folder / NETWORK_FILE),
            next_step=_NEXT_STEP,
        )
    return found


def differences(
    found: Network, family: str, schema: Schema, shape: Mapping[str, Value]
) -> list[str]:
    """What makes the weights of a network meaningless here, one sentence each."""
    said = [] if found.family == family else [f"its family is {found.family}, not {family}"]
    said += schema_differences(found.schema, schema)
    if found.family == family:
        said += [
            f"its {name} is {found.shape.get(name)}, not {value}"
            for name, value in shape.items()
            if name not in _FREE and found.shape.get(name) != value
        ]
    return said
