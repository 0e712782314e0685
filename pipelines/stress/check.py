"""Whether an answer under load is the one that training gave. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from pipelines.stress.doors import Door

# As the export of a model may differ from what training answered; relative for large values.
TOLERANCE = 1e-4


def fault(content: bytes, door: Door, version: str, expected: Sequence[float]) -> str:
    """What is wrong with the body of an answer, in words; nothing if it is right.

    Args:
        content: the body.
        door: how it is read.
        version: who must have answered, for example `v3`.
        expected: what training answered, one number or one for each class.
    """
    try:
        answer = door.read(content)
    except ValueError as error:
        return f"not an answer: {error}"
    if answer.version != version:
        return f"answered by {answer.version}, not by {version}"
    for seen, wanted in itertools.zip_longest(answer.scores, expected):
        if seen is None or wanted is None:
            return f"{len(answer.scores)} scores instead of {len(expected)}"
        if not math.isclose(seen, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            return "not what training answered"
    return ""
