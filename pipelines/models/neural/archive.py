"""Arrays and the facts about them in one file: NumPy's .npz with a JSON text in it, no pickle.

One file, because two would not be replaced at one moment: weights of one epoch and the counter of
another are worse than none.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.errors import ModelError
from pipelines.files import replacing

Arrays = dict[str, npt.NDArray[Any]]
_FACTS = "facts"


class Archive(NamedTuple):
    """The content of a file."""

    facts: dict[str, Any]
    arrays: Arrays


def write(path: Path, facts: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write both, whole or not at all. The same content gives the same bytes.

    Args:
        path: of the file, which is replaced.
        facts: what JSON can hold; infinity and NaN are no JSON.
        arrays: by name, none of them called "facts", none of Python objects.
    """
    text = np.array(json.dumps(facts, allow_nan=False))
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **{_FACTS: text}, **arrays)


def read(path: Path, *, next_step: str) -> Archive:
    """What `write` wrote.

    Raises:
        ModelError: there is no such file, or it is damaged; ends with `next_step`.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        facts = json.loads(str(arrays.pop(_FACTS)))
        if not isinstance(facts, dict):
            raise ValueError(f"the facts are {type(facts).__name__}, not an object")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise damaged(path, error, next_step) from error
    return Archive(facts, arrays)


def damaged(path: Path, error: Exception, next_step: str) -> ModelError:
    """The error for a file whose content is not what was written."""
    return ModelError(
        f"not readable as the weights of a network: {error!r}",
        where=str(path),
        next_step=next_step,
    )
