"""Hold one table to its rules, built in and declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.schema import Schema
from pipelines.settings import ValidateSettings
from pipelines.validation import expectations, quarantine
from pipelines.validation.builtin import rowwise, structure
from pipelines.validation.loading import Loaded
from pipelines.validation.results import Counts, Result
from pipelines.validation.rules import Rule


@dataclass(frozen=True)
class Inspected:
    """A table, what came of its rules, and which of its rows are taken out and why."""

    table: Loaded
    results: tuple[Result, ...]
    reasons: dict[int, list[str]]

    @property
    def counts(self) -> Counts:
        return Counts(read=len(self.table.frame), quarantined=len(self.reasons))


def of_rows(
    table: Loaded, rules: Sequence[Rule], schema: Schema, settings: ValidateSettings
) -> Inspected:
    """Inspect the training rows.

    Declared rules see all rows but exact repeats of a row: a row that is told twice is counted
    once, and is no breach of uniqueness besides.

    Raises:
        SettingsError: a declared rule cannot be asked.
    """
    frame = table.frame
    repeated = rowwise.repeats(frame)
    keeps_repeats = settings.exact_repeats == "keep"
    results = [
        *structure.any_table(table),
        *structure.features(table, schema),
        *rowwise.of_rows(table, repeated, schema, settings),
        *expectations.check(table.name, frame if keeps_repeats else frame[~repeated], rules),
    ]
    reasons = quarantine.reasons_of(results)
    kept = np.ones(len(frame), dtype=bool)
    kept[list(reasons)] = False
    results += rowwise.classes(frame, kept, schema)
    results.append(rowwise.quarantine_share(table.name, len(frame), len(reasons), settings))
    return Inspected(table, tuple(results), reasons)


def of_side_table(table: Loaded, rules: Sequence[Rule], settings: ValidateSettings) -> Inspected:
    """Inspect a side table. Its bad rows are reported; what was made from them is in the rows.

    Raises:
        SettingsError: a declared rule cannot be asked.
    """
    results = [
        *structure.any_table(table),
        *expectations.check(table.name, table.frame, rules),
    ]
    reasons = quarantine.reasons_of(results)
    share = rowwise.quarantine_share(table.name, len(table.frame), len(reasons), settings)
    return Inspected(table, (*results, share), reasons)
