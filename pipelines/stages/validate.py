"""Hold what ingest wrote to its rules; write good rows, bad rows with reasons, and a report.

    raw/, expectations.yaml -> clean/, quarantine/, validation/, validation.json

A critical rule that does not hold stops the run: quarantine/ and validation/ are written all the
same, because they say why, and clean/ is left empty, so that nothing can go on with old rows.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pipelines.errors import DataError, SettingsError, ValidationError
from pipelines.paths import ModelPaths
from pipelines.schema import SCHEMA_FILE, Schema
from pipelines.settings import ModelSettings
from pipelines.validation import inspection, loading, page, parameters, quarantine, rules
from pipelines.validation.inspection import Inspected
from pipelines.validation.results import Report, count_reasons


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Validate one model's rows.

    Raises:
        SettingsError: expectations.yaml is missing or wrong.
        DataError: there is nothing to validate; ingest did not run.
        ValidationError: a critical rule does not hold, or could not be checked.
    """
    window = parameters.window(settings)
    name = paths.expectations.relative_to(paths.root).as_posix()
    declared = rules.load(paths.expectations, window, name=name)
    schema = _schema(paths.raw)
    rows, *tables = loading.load(paths.raw)
    _check_tables(name, declared, [table.name for table in tables])
    for folder in (paths.clean, paths.quarantine, paths.validation):
        _empty(folder)
    paths.validation_summary.unlink(missing_ok=True)
    limits = settings.validate_
    inspected = [inspection.of_rows(rows, declared.rows, schema, limits)]
    for table in tables:
        of_table = declared.tables.get(table.name, ())
        inspected.append(inspection.of_side_table(table, of_table, limits))
    report = _report(paths.model, window, inspected)
    for item in inspected:
        quarantine.write_quarantined(item.table, item.reasons, paths.quarantine)
    _write_json(report.to_json(), paths.validation / "validation.json")
    _write_json(report.summary(), paths.validation_summary)
    (paths.validation / page.FILE).write_text(page.render(report), encoding="utf-8")
    if report.blocking:
        raise _refusal(report, paths.validation / page.FILE)
    quarantine.write_kept(rows, inspected[0].reasons, paths.clean)
    schema.write(paths.clean)


def _schema(raw: Path) -> Schema:
    try:
        return Schema.read(raw)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"no schema to validate against: {error}",
            where=str(raw / SCHEMA_FILE),
            next_step="run the stage ingest first (`dvc repro ingest@MODEL`)",
        ) from error


def _check_tables(name: str, declared: rules.Expectations, known: list[str]) -> None:
    unknown = [table for table in declared.tables if table not in known]
    if unknown:
        raise SettingsError(
            f"there is no side table {', '.join(unknown)}; there are: {', '.join(known) or 'none'}",
            where=f"{name}: tables",
            next_step="name tables that the dataset gives",
        )


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _report(model: str, window: dict[str, str], inspected: list[Inspected]) -> Report:
    return Report(
        model=model,
        window=window,
        counts={item.table.name: item.counts for item in inspected},
        reasons={item.table.name: count_reasons(item.results) for item in inspected},
        results=tuple(result for item in inspected for result in item.results),
    )


def _write_json(value: dict[str, Any], path: Path) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8")


def _refusal(report: Report, shown: Path) -> ValidationError:
    lines = []
    for result in report.blocking:
        subject = f"{result.table}: {', '.join(result.columns)}".rstrip(": ")
        demand = f" ({result.demand})" if result.demand else ""
        lines.append(
            f"\n  - {subject}: {result.rule}{demand}: {result.observed}\n      {result.next_step}"
        )
    count = len(lines)
    return ValidationError(
        f"{count} critical {'rule does' if count == 1 else 'rules do'} not hold:{''.join(lines)}",
        where=f"data of {report.model}",
        next_step=f"open {shown}; mend the source or the rules, then run again",
    )
