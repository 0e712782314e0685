"""Rules about single rows: each names the rows that it takes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from pipelines.inference.cells import LARGEST
from pipelines.schema import Schema
from pipelines.settings import ValidateSettings
from pipelines.validation.loading import Loaded
from pipelines.validation.results import ROWS, Result
from pipelines.validation.rules import Severity
from pipelines.verdicts import Outcome


def repeats(frame: pd.DataFrame) -> np.ndarray:
    """Which rows are equal in every column to one before them; shape (rows,), bool."""
    return np.asarray(frame.duplicated(keep="first"), dtype=bool)


def of_rows(
    table: Loaded, repeated: np.ndarray, schema: Schema, settings: ValidateSettings
) -> Iterator[Result]:
    """Repeated rows, rows without a label, and numbers that no instrument measures."""
    twice = _taken_out(
        "no row is there twice",
        repeated,
        "find out why the source repeats rows; if equal rows are right, "
        "set validate.exact_repeats to keep",
    )
    keeps = settings.exact_repeats == "keep"
    yield replace(twice, severity=Severity.INFO, positions=()) if keeps else twice
    if schema.target in table.frame.columns:
        unlabelled = _taken_out(
            "the label is known",
            table.frame[schema.target].isna().to_numpy(),
            "nothing if labels come late; else mend the source",
        )
        yield replace(unlabelled, columns=(schema.target,), severity=Severity.INFO)
    numbers = [
        name
        for name in schema.numbers
        if name in table.frame.columns and pd.api.types.is_numeric_dtype(table.frame[name])
    ]
    yield from _measurable(table.frame, numbers)


def classes(frame: pd.DataFrame, kept: np.ndarray, schema: Schema) -> Iterator[Result]:
    """Labels are what the task says, and there is something to tell apart in the rows kept."""
    if schema.target not in frame.columns:
        return
    label = frame[schema.target]
    if not pd.api.types.is_numeric_dtype(label):
        return  # the rule about types stops this run
    seen = label[kept & label.notna().to_numpy()].value_counts()
    if schema.task == "regression":
        yield from _values(label, schema)
        return
    allowed = range(len(schema.classes) or 2)
    counts = ", ".join(f"{value:g}: {seen[value]}" for value in sorted(seen.index, key=str)[:5])
    observed = counts or "no label"
    is_known = set(seen.index) <= set(allowed)
    named = "labels are 0 or 1" if schema.task == "binary" else "labels are classes of the schema"
    every = "both classes are" if schema.task == "binary" else "every class is"
    yield _of_target(schema, named, is_known, observed, "mend the target in the dataset")
    yield _of_target(
        schema,
        f"{every} among the rows that are kept",
        set(allowed) <= set(seen.index),
        observed,
        "widen the window (ingest.since), or check where the label comes from",
    )


def _values(label: pd.Series, schema: Schema) -> Iterator[Result]:
    """The values of a regression are finite, and not all the same."""
    known = label.dropna().to_numpy(dtype="float64")
    is_finite = bool(np.isfinite(known).all())
    observed = f"{known.min():g} to {known.max():g}" if known.size else "no label"
    yield _of_target(
        schema, "labels are finite", is_finite, observed, "mend the target in the dataset"
    )
    yield _of_target(
        schema,
        "labels differ",
        np.unique(known).size > 1,
        observed,
        "check where the label comes from",
    )


def _of_target(schema: Schema, rule: str, is_held: bool, observed: str, next_step: str) -> Result:
    return Result(
        table=ROWS,
        rule=rule,
        columns=(schema.target,),
        severity=Severity.CRITICAL,
        outcome=Outcome.PASSED if is_held else Outcome.FAILED,
        expected="",
        observed=observed,
        next_step=next_step,
    )


def quarantine_share(table: str, read: int, taken: int, settings: ValidateSettings) -> Result:
    """Not more rows are taken out than the settings allow."""
    limit = settings.max_quarantine_share
    return Result(
        table=table,
        rule="few rows are in quarantine",
        columns=(),
        severity=Severity.CRITICAL,
        outcome=Outcome.PASSED if taken <= limit * read else Outcome.FAILED,
        expected=f"at most {100 * limit:.4g} % of the rows",
        observed=f"{taken} of {read} rows",
        next_step="look at the reasons in quarantine/; if they are right, raise "
        "validate.max_quarantine_share",
    )


def _measurable(frame: pd.DataFrame, numbers: list[str]) -> Iterator[Result]:
    """One result for each column that has such numbers, or one for all if none has."""
    rule = "numbers are finite and of a size that exists"
    next_step = "mend whatever divides by zero or overflows before the source is written"
    found = False
    for name in numbers:
        values = frame[name].to_numpy(dtype="float64", na_value=np.nan)
        bad = np.abs(values) > LARGEST  # infinities too; NaN is no value, and compares as false
        if bad.any():
            found = True
            examples = tuple(dict.fromkeys(f"{value:g}" for value in values[bad][:50]))[:5]
            result = _taken_out(rule, bad, next_step)
            yield replace(
                result, columns=(name,), expected=f"within {LARGEST:g}", examples=examples
            )
    if not found:
        result = _taken_out(rule, np.zeros(len(frame), dtype=bool), next_step)
        yield replace(result, expected=f"within {LARGEST:g}", observed=f"in {len(numbers)} columns")


def _taken_out(rule: str, bad: np.ndarray, next_step: str) -> Result:
    positions = tuple(np.flatnonzero(bad).tolist())
    return Result(
        table=ROWS,
        rule=rule,
        columns=(),
        severity=Severity.WARNING,
        outcome=Outcome.FAILED if positions else Outcome.PASSED,
        expected="",
        observed=f"{len(positions)} of {len(bad)} rows break it" if positions else "all rows",
        next_step=next_step,
        checked=len(bad),
        unexpected=len(positions),
        positions=positions,
    )
