"""The columns of a model: what training, the ONNX graph and the service agree on.

Plain data without pandas, so that serving can read it too. A model's graph takes two tensors,
`numbers` (float64, rows x columns) and `categories` (strings, rows x columns), each with its
columns in the order in which the schema lists them. A missing number is NaN, a missing category
is the empty string.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

# What a model answers, and with it what a label is:
# - binary: the probability of class 1; a label is 0 or 1;
# - multiclass: a probability for each class; a label is the place of its class in `classes`;
# - regression: a number in the unit of the target.
Task = Literal["binary", "multiclass", "regression"]

NUMBERS = "numbers"
CATEGORIES = "categories"
# Outputs of a graph: label and probabilities of a classifier, value of a regression.
LABEL = "label"
PROBABILITIES = "probabilities"
VALUE = "value"
MISSING_CATEGORY = ""
SCHEMA_FILE = "schema.json"


@dataclass(frozen=True)
class Schema:
    """Names and roles of the columns.

    Attributes:
        numbers: numeric features, in the order of the `numbers` tensor.
        categories: string features, in the order of the `categories` tensor.
        target: the label column; see `Task`.
        time: the column that orders rows (a date or timestamp), or None.
        group: rows that share a value are kept on one side of a split, or None. With a time
            column and no group, the day is the group.
        task: what kind of answer the model gives.
        classes: for multiclass, what the labels 0, 1, ... stand for; else empty.
        image: for images, their height, width and channels: `numbers` are then the values of one
            image, row by row, each pixel with its channels. None for everything else.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    target: str
    time: str | None = None
    group: str | None = None
    task: Task = "binary"
    classes: tuple[str, ...] = ()
    image: tuple[int, int, int] | None = None

    @cached_property
    def features(self) -> tuple[str, ...]:
        return self.numbers + self.categories

    def __post_init__(self) -> None:
        names = [*self.features, self.target]
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise ValueError(f"columns must be distinct texts, not {names}")
        if self.task not in get_args(Task):
            raise ValueError(f"the task is one of {', '.join(get_args(Task))}, not {self.task}")
        if (self.task == "multiclass") != (len(self.classes) > 1):
            raise ValueError(f"{self.task} does not go with the classes {self.classes}")
        if self.image is not None and math.prod(self.image) != len(self.numbers):
            raise ValueError(f"an image of {self.image} has not {len(self.numbers)} values")

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
        known = {name: tuple(names) for name, names in lists.items()}
        for name in ("classes", "image"):
            if value.get(name) is not None:
                known[name] = tuple(value[name])
        return cls(**{**value, **known})

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
