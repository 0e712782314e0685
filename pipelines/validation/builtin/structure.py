"""Rules about columns: there, once, of one type, and not empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd
import pyarrow as pa

from pipelines.schema import Schema
from pipelines.validation.loading import Loaded
from pipelines.validation.results import Result
from pipelines.validation.rules import Severity
from pipelines.verdicts import Outcome


def any_table(table: Loaded) -> Iterator[Result]:
    """What holds for side tables too: there are rows, and no column is there twice."""
    rows = sum(part.rows for part in table.parts)
    there = _judged(
        table.name,
        "there are rows",
        [] if rows else ["none"],
        "check the source and the window (ingest.since, ingest.until)",
    )
    yield replace(there, expected="at least 1", observed=f"{rows} rows")
    twice = {
        f"{name} in {part.name}"
        for part in table.parts
        for name, times in Counter(part.schema.names).items()
        if times > 1
    }
    yield _judged(
        table.name,
        "each column is there once",
        sorted(twice),
        "rename or drop one of them in the dataset",
    )


def features(table: Loaded, schema: Schema) -> Iterator[Result]:
    """What holds for the training rows: every column of the schema, typed as it says, not empty."""
    wanted = [*schema.features, schema.target, schema.time, schema.group]
    lacking = [
        f"{name} in {part.name}"
        for name in wanted
        if name is not None
        for part in table.parts
        if name not in part.schema.names
    ]
    yield _judged(
        table.name,
        "every column of the schema is there",
        lacking,
        "bring the column back in the source, or take it out of the dataset's schema",
    )
    typed = _judged(
        table.name,
        "columns keep their type",
        list(_retyped(table, schema)),
        "write the column with its type again in the source",
    )
    yield replace(typed, expected="numbers as numbers, categories as text")
    yield from _emptiness(table, schema)


def _retyped(table: Loaded, schema: Schema) -> Iterator[str]:
    wanted = {**dict.fromkeys(schema.numbers, True), **dict.fromkeys(schema.categories, False)}
    wanted[schema.target] = True
    for name, is_number in wanted.items():
        for part in table.parts:
            for place in part.schema.get_all_field_indices(name):
                seen = part.schema.field(place).type
                fits = _is_number(seen) if is_number else _is_text(seen)
                # A month without any value has no type; the rule about empty columns sees it.
                if not fits and not pa.types.is_null(seen):
                    yield f"{name} is {seen} in {part.name}"


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(value)
        or pa.types.is_large_string(value)
        or pa.types.is_string_view(value)
    )


def _emptiness(table: Loaded, schema: Schema) -> Iterator[Result]:
    there = [name for name in schema.features if name in table.frame.columns]
    filled = {name: _is_filled(table.frame[name]) for name in there}
    empty = [name for name in there if not filled[name].any()]
    yield _judged(
        table.name,
        "no feature is empty",
        empty,
        "mend the source, or take the column out of the schema",
    )
    partly, begin = [], 0
    for part in table.parts:
        end = begin + part.rows
        partly += [
            f"{name} in {part.name}"
            for name in there
            if part.rows and name not in empty and not filled[name].iloc[begin:end].any()
        ]
        begin = end
    for_a_part = _judged(
        table.name,
        "no feature is empty for a whole partition",
        partly,
        "ask whoever delivers the source what happened then",
    )
    yield replace(for_a_part, severity=Severity.WARNING)


def _is_filled(column: pd.Series) -> pd.Series:
    filled = column.notna()
    return filled if pd.api.types.is_numeric_dtype(column) else filled & (column != "")


def _judged(table: str, rule: str, bad: Sequence[str], next_step: str) -> Result:
    shown = "; ".join(bad[:10]) + (f"; and {len(bad) - 10} more" if len(bad) > 10 else "")
    return Result(
        table=table,
        rule=rule,
        columns=(),
        severity=Severity.CRITICAL,
        outcome=Outcome.FAILED if bad else Outcome.PASSED,
        expected="",
        observed=shown or "as expected",
        next_step=next_step,
    )
