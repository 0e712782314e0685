"""The network that an incremental training goes on from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import ModelError
from pipelines.models.neural.network import NETWORK_FILE, Network, read
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
    said = []
    if found.family != family:
        said.append(f"its family is {found.family}, not {family}")
    if found.schema.task != schema.task:
        said.append(f"its task is {found.schema.task}, not {schema.task}")
    lacking = [name for name in schema.features if name not in found.schema.features]
    extra = [name for name in found.schema.features if name not in schema.features]
    if lacking:
        said.append(f"it does not know the features {_listed(lacking)}")
    if extra:
        said.append(f"it needs the features {_listed(extra)}")
    is_alike = (found.schema.numbers, found.schema.categories) == (
        schema.numbers,
        schema.categories,
    )
    if not (lacking or extra or is_alike):
        said.append("its features come in another order, or are of another kind")
    if found.schema.classes != schema.classes:
        said.append(f"its classes are {_listed(found.schema.classes)}")
    if found.schema.image != schema.image:
        said.append(f"its images are {found.schema.image}, not {schema.image}")
    if found.family == family:
        said += [
            f"its {name} is {found.shape.get(name)}, not {value}"
            for name, value in shape.items()
            if name not in _FREE and found.shape.get(name) != value
        ]
    return said


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown or "none"
