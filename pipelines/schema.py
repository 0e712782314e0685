"""The columns of a model: what training, the ONNX graph and the service agree on.

Plain data without pandas, so that serving can read it too. A model's graph takes two tensors,
`numbers` (float64, rows x columns) and `categories` (strings, rows x columns), each with its
columns in the order in which the schema lists them. A missing number is NaN, a missing category
is the empty string.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Task = Literal["binary"]

NUMBERS = "numbers"
CATEGORIES = "categories"
PROBABILITIES = "probabilities"
MISSING_CATEGORY = ""
SCHEMA_FILE = "schema.json"


@dataclass(frozen=True)
class Schema:
    """Names and roles of the columns.

    Attributes:
        numbers: numeric features, in the order of the `numbers` tensor.
        categories: string features, in the order of the `categories` tensor.
        target: the label column; 1 is the event that is predicted.
        time: the column that orders rows (a date or timestamp), or None.
        group: rows that share a value are kept on one side of a split, or None. With a time
            column and no group, the day is the group.
        task: what kind of answer the model gives.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    target: str
    time: str | None = None
    group: str | None = None
    task: Task = "binary"

    @property
    def features(self) -> tuple[str, ...]:
        return self.numbers + self.categories

    def __post_init__(self) -> None:
        names = [*self.features, self.target]
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise ValueError(f"columns must be distinct texts, not {names}")

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary with lists, as JSON gives it back."""
        value = asdict(self)
        return {key: list(part) if isinstance(part, tuple) else part for key, part in value.items()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Schema:
        """What `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: it did not give this.
        """
        lists = {name: value[name] for name in ("numbers", "categories")}
        if not all(isinstance(names, list) for names in lists.values()):
            # A text is a sequence, too: "abc" would become three columns.
            raise ValueError(f"numbers and categories must be lists, not {lists}")
        return cls(**{**value, **{name: tuple(names) for name, names in lists.items()}})

    def write(self, folder: Path) -> None:
        """Write schema.json."""
        text = json.dumps(self.to_json(), indent=2) + "\n"
        (folder / SCHEMA_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Schema:
        """Read schema.json.

        Raises:
            OSError: it is not there.
            KeyError, TypeError, ValueError: it is not what `write` wrote.
        """
        return cls.from_json(json.loads((folder / SCHEMA_FILE).read_text(encoding="utf-8")))
