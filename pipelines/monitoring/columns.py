"""What the prediction log of a version is expected to hold, column by column."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from pipelines.predictions.layout import FEATURE, IMAGE, OUTPUT, REQUEST_ID, ROW, TIME, TIMESTAMP
from pipelines.schema import LABEL, PROBABILITIES, VALUE, Schema
from pipelines.settings import LogSettings

VERSION = "version"
IS_SHADOW = "is_shadow"
LATENCY = "latency_us"
PROBABILITY = "probability"


@dataclass(frozen=True)
class Expected:
    """The columns of a log.

    Attributes:
        schema: of the model.
        numbers, categories: features that are logged as they are; none of an image.
        hidden: features of which digests are logged, which compare with nothing.
        has_image: all pixels are logged as one list.
    """

    schema: Schema
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    hidden: tuple[str, ...]
    has_image: bool

    @classmethod
    def of(cls, schema: Schema, log: LogSettings) -> Expected:
        """What a server of this model writes with these settings."""
        if log.features == "all":
            chosen = set(schema.features)
        else:
            chosen = set() if log.features == "none" else set(log.features)
        plain = chosen - set(log.identifiers)
        has_image = schema.image is not None and plain.issuperset(schema.numbers)
        return cls(
            schema,
            () if has_image else tuple(name for name in schema.numbers if name in plain),
            tuple(name for name in schema.categories if name in plain),
            tuple(name for name in schema.features if name in chosen - plain),
            has_image,
        )

    @property
    def has_all_features(self) -> bool:
        """Whether a row can be asked again: nothing is left out or hidden."""
        there = len(self.numbers) + len(self.categories)
        pixels = len(self.schema.numbers) if self.has_image else 0
        return there + pixels == len(self.schema.features)

    @property
    def outputs(self) -> dict[str, pa.DataType]:
        """What the model's answers are logged as."""
        task = self.schema.task
        if task == "regression":
            return {OUTPUT + VALUE: pa.float64()}
        if task == "binary":
            return {OUTPUT + PROBABILITY: pa.float64(), OUTPUT + LABEL: pa.int64()}
        classes = pa.list_(pa.float64(), len(self.schema.classes))
        return {OUTPUT + PROBABILITIES: classes, OUTPUT + LABEL: pa.string()}

    @property
    def features(self) -> dict[str, pa.DataType]:
        """What the features are logged as."""
        found = {FEATURE + name: pa.float64() for name in self.numbers}
        found |= {FEATURE + name: pa.string() for name in self.categories}
        if self.has_image:
            found[IMAGE] = pa.list_(pa.float32(), len(self.schema.numbers))
        return found

    @property
    def frozen(self) -> pa.Schema:
        """The columns of a window, which the comparison reads."""
        meta = {REQUEST_ID: pa.string(), ROW: pa.int32(), TIME: TIMESTAMP, LATENCY: pa.int64()}
        return pa.schema(list({**meta, **self.features, **self.outputs}.items()))


def said(column: str) -> str:
    """A column of the log as a person calls it: `feature wind_speed`, `output probability`."""
    for prefix in (FEATURE, OUTPUT):
        if column.startswith(prefix):
            return f"{prefix[:-1]} {column.removeprefix(prefix)}"
    return column
