"""Read expectations.yaml: which rules a model's data is held to.

    rows:                       the partitions of raw/, all together as one table
      - type: expect_column_values_to_be_between
        kwargs: {column: distance, min_value: 50, max_value: 6000, mostly: 0.999}
        severity: critical      critical (default) stops the run; warning and info are reported
        rows: quarantine        takes each violating row out; keep (default) leaves it in
        why: one sentence       shown beside the outcome
    tables:
      weather: [...]            the same for raw/tables/weather.parquet

`type` and `kwargs` are those of Great Expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import SettingsError
from pipelines.validation.parameters import fill
from pipelines.validation.strict_yaml import Parsed, parse

_SECTIONS = ("rows", "tables")


class Severity(StrEnum):
    """How much a rule that does not hold matters. Only CRITICAL stops a run."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Rule:
    """One declared rule, with its parameters filled in.

    Attributes:
        type: the name of an expectation.
        kwargs: its arguments.
        severity: how much it matters.
        quarantines: whether rows that violate it are taken out.
        why: what a person should know about it, or "".
        where: file and line, for messages.
    """

    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    quarantines: bool
    why: str
    where: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rule is about; none for a rule about a whole table."""
        one = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        return (*one, *self.kwargs.get("column_list", ()))


@dataclass(frozen=True)
class Expectations:
    """The whole file."""

    rows: tuple[Rule, ...] = ()
    tables: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    kwargs: dict[str, Any] = Field(default_factory=dict)
    severity: Severity = Severity.CRITICAL
    rows: Literal["quarantine", "keep"] = "keep"
    why: str = ""


def load(path: Path, values: Mapping[str, str], *, name: str = "") -> Expectations:
    """Read the rules of a model. An empty file is allowed: the built-in rules always apply.

    Args:
        path: the expectations.yaml.
        values: the parameters that `{$PARAMETER: name}` may use.
        name: what to call the file, if not by its path; reports that quote it are compared
            between folders.

    Raises:
        SettingsError: the file is missing or not YAML, or an entry is wrong; its line is named.
            Whether an expectation exists and takes these arguments is checked where it is built.
    """
    name = name or str(path)
    parsed = _parsed(path, name)
    content = parsed.value if parsed.value is not None else {}
    _check_keys(content, _SECTIONS, where=name)
    tables = content.get("tables") or {}
    if not isinstance(tables, dict) or not all(isinstance(table, str) for table in tables):
        raise SettingsError(
            "is not a mapping from names of tables",
            where=f"{name}: tables",
            next_step="write the name of each table, and its rules below it",
        )
    return Expectations(
        rows=tuple(_rules(name, parsed, ("rows",), content.get("rows"), values)),
        tables={
            table: tuple(_rules(name, parsed, ("tables", table), entries, values))
            for table, entries in tables.items()
        },
    )


def _parsed(path: Path, name: str) -> Parsed:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            "the file is missing",
            where=name,
            next_step="write the rules of this model; an empty file leaves the built-in ones",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"not readable as YAML: {error}", where=name, next_step="mend the line named"
        ) from error


def _rules(
    file: str, parsed: Parsed, section: tuple[str, ...], entries: object, values: Mapping[str, str]
) -> Iterator[Rule]:
    name = ".".join(section)
    if entries is None:
        return
    if not isinstance(entries, list):
        raise SettingsError(
            "is not a list",
            where=f"{file}: {name}",
            next_step="begin each rule with `- type: expect_...`",
        )
    for number, content in enumerate(entries):
        where = f"{file}: {name}[{number}], line {parsed.lines[*section, number]}"
        entry = _entry(content, where)
        kwargs = fill(entry.kwargs, values, where=where)
        quarantines = entry.rows == "quarantine"
        yield Rule(entry.type, kwargs, entry.severity, quarantines, entry.why, where)


def _entry(content: object, where: str) -> _Entry:
    try:
        return _Entry.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the entry'}: {item['msg']}, "
            f"not {item['input']!r}"
            for item in error.errors()
        )
        raise SettingsError(
            problems,
            where=where,
            next_step=f"an entry has {', '.join(_Entry.model_fields)}; only type is required",
        ) from None


def _check_keys(content: object, allowed: tuple[str, ...], *, where: str) -> None:
    if not isinstance(content, dict):
        raise SettingsError(
            f"holds {type(content).__name__}, not a mapping",
            where=where,
            next_step="begin it with `rows:`",
        )
    unknown = [str(key) for key in content if key not in allowed]
    if unknown:
        raise SettingsError(
            f"unknown key {', '.join(unknown)}; allowed: {', '.join(allowed)}",
            where=where,
            next_step="put rules about the training rows below `rows:`, others below `tables:`",
        )
