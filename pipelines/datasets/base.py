"""What a dataset is: something that can say what it looks like now, and can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from pipelines.schema import Schema
from pipelines.settings import IngestSettings

# The name of the only partition of a dataset without a time column.
WHOLE = "all"


@dataclass(frozen=True)
class Ingested:
    """What one reading of a source gave.

    Attributes:
        schema: the columns of every partition, and their roles.
        partitions: pairs of a name and a frame, in time order: ("2013-01", frame) and on, or
            one ("all", frame). An iterator, so that one month at a time is in memory.
        tables: side tables that the rows were made from, kept as evidence.
    """

    schema: Schema
    partitions: Iterator[tuple[str, pd.DataFrame]]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


class Dataset(Protocol):
    """One way to turn a source into rows."""

    def fingerprint(self, settings: IngestSettings) -> dict[str, Any]:
        """What the source looks like now: names, sizes, digests. JSON-ready and deterministic.

        Independent of `since` and `until`: another window of an unchanged source is not drift
        of the source.

        Raises:
            SourceError: the source cannot be found or reached.
        """
        ...

    def read(self, settings: IngestSettings) -> Ingested:
        """The rows of the months `since` to `until`, both included.

        Raises:
            SettingsError: the settings do not say what this dataset needs to know.
            SourceError: the source cannot be found, reached or read.
            DataError: it was read, and no model can be trained on it.
        """
        ...
