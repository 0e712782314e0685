"""Evidence as a person reads it: texts, pairs and tables instead of raw JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.reporting import formats

MOST_ROWS = 12


@dataclass(frozen=True)
class Text:
    """One value."""

    text: str


@dataclass(frozen=True)
class Pairs:
    """Names with what stands under them."""

    pairs: list[tuple[str, Shown]]


@dataclass(frozen=True)
class Rows:
    """A table; `more` rows of it are not shown."""

    header: list[str]
    rows: list[list[str]]
    more: int


Shown = Text | Pairs | Rows


def show(value: Any) -> Shown:
    """What stands in for a JSON-ready value on a page.

    A mapping becomes pairs, a list of mappings a table with one column for each key, and
    everything else one text.
    """
    if isinstance(value, Mapping):
        return Pairs([(words(key), show(part)) for key, part in value.items()])
    if _is_list(value) and value and all(isinstance(part, Mapping) for part in value):
        flat = [_flat(part) for part in value]
        header = list(dict.fromkeys(key for part in flat for key in part))
        rows = [[_text(part.get(key)) for key in header] for part in flat[:MOST_ROWS]]
        return Rows([words(key) for key in header], rows, max(0, len(flat) - MOST_ROWS))
    return Text(_text(value))


def words(key: str) -> str:
    """A key as it would be said: `slice_margin` is "slice margin"."""
    return key.replace("_", " ")


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, part in value.items():
        name = f"{before}{key}"
        found |= _flat(part, f"{name} ") if isinstance(part, Mapping) else {name: part}
    return found


def _text(value: Any) -> str:
    if value is None:
        return formats.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return formats.number(value)
    if _is_list(value):
        shown = ", ".join(_text(part) for part in value[:MOST_ROWS])
        more = len(value) - MOST_ROWS
        return f"{shown} and {more} more" if more > 0 else shown or "none"
    return str(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
