"""What may be said to have been true of a row, and how it is written down.

As text, because a log outlives a model's task: a class by its name, an event as 0 or 1, a value
with all its digits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pipelines.errors import CellError
from pipelines.schema import Schema

LABEL = "label"
_EVENTS: Mapping[object, str] = {0: "0", 1: "1", "0": "0", "1": "1", "0.0": "0", "1.0": "1"}
_LONGEST = 1000
_SHOWN = 40


def written(value: object, schema: Schema | None, row: int) -> str:
    """The text of a label.

    Args:
        value: as JSON or a file gave it: a number, a text, true or false.
        schema: of the model that is told; None takes any text or number.
        row: of the label in what the caller gave, for errors.

    Raises:
        CellError: it cannot be a label of this model.
    """
    text = None
    if isinstance(value, str | int | float):
        text = _text(value) if schema is None else _of_task(value, schema)
    if not text or len(text) > _LONGEST or not is_unicode(text):
        raise CellError(
            f"{_shown(value)} is no label: {_wanted(schema)}",
            row=row,
            column=LABEL,
            next_step="mend the label, or leave the row out until it is known",
        )
    return text


def _of_task(value: str | float, schema: Schema) -> str | None:
    if schema.task == "binary":
        return _EVENTS.get(value)
    if schema.task == "multiclass":
        text = _text(value)
        return text if text in schema.classes else None
    return _number(value)


def _text(value: str | float) -> str | None:
    if isinstance(value, str):
        return value
    return _number(value)


def _number(value: str | float) -> str | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return str(int(number)) if number.is_integer() else repr(number)


def _wanted(schema: Schema | None) -> str:
    if schema is None:
        return "a text or a finite number is wanted"
    if schema.task == "binary":
        return "1 or 0 is wanted"
    if schema.task == "multiclass":
        return f"one of {', '.join(schema.classes[:20])} is wanted"
    return "a finite number is wanted"


def _shown(value: object) -> str:
    # Only of what is short: an integer of many digits, or a list, may not even have a repr.
    if value is None or isinstance(value, str | bool | float):
        return repr(value)[:_SHOWN]
    return f"a value of the type {type(value).__name__}"


def is_unicode(text: str) -> bool:
    """Whether Arrow can take it: JSON can spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
