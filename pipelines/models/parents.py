"""Whether a trained model is one that another training can go on from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.errors import ModelError
from pipelines.schema import Schema


def differences(found: Schema, wanted: Schema) -> list[str]:
    """What makes the weights of a model of `found` meaningless for `wanted`, one text each."""
    said = []
    if found.task != wanted.task:
        said.append(f"its task is {found.task}, not {wanted.task}")
    lacking = [name for name in wanted.features if name not in found.features]
    extra = [name for name in found.features if name not in wanted.features]
    if lacking:
        said.append(f"it does not know the features {listed(lacking)}")
    if extra:
        said.append(f"it needs the features {listed(extra)}")
    is_alike = (found.numbers, found.categories) == (wanted.numbers, wanted.categories)
    if not (lacking or extra or is_alike):
        said.append("its features come in another order, or are of another kind")
    if found.classes != wanted.classes:
        said.append(f"its classes are {listed(found.classes)}")
    if found.image != wanted.image:
        said.append(f"its images are {found.image}, not {wanted.image}")
    return said


def require_alike(file: Path, family: tuple[str, str], schemas: tuple[Schema, Schema]) -> None:
    """Refuse a parent of another kind.

    Args:
        file: of the parent, for the message.
        family: of the parent, and of the model to be trained.
        schemas: of the parent, and of the model to be trained.

    Raises:
        ModelError: says all that is different.
    """
    said = differences(*schemas)
    if family[0] != family[1]:
        said.insert(0, f"its family is {family[0]}, not {family[1]}")
    if said:
        raise ModelError(
            f"the parent cannot be gone on from: {'; '.join(said)}",
            where=str(file),
            next_step="set train.mode to full, or keep features, classes and family as they are",
        )


def listed(names: Sequence[str]) -> str:
    """The first few of them."""
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown or "none"
