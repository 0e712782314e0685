"""What all that is printed has in common."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from pipelines.verdicts import Outcome, Verdict

COLORS = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.ERROR: "red",
}


def print_json(value: Any) -> None:
    """For programs."""
    print(json.dumps(value, indent=2, default=str))


def show_path(path: Path, *, as_json: bool) -> None:
    """Where a file is."""
    if as_json:
        print_json({"path": str(path)})
    else:
        print(path)


def table_of(verdict: Verdict, *columns: str, title: str) -> Table:
    """The parts of a verdict; three columns, for a part's name, its outcome and why."""
    table = Table(*columns, title=title)
    for part in verdict.parts:
        outcome = Text(part.outcome.value, style=COLORS[part.outcome])
        table.add_row(part.name, outcome, Text(part.reason))
    return table


def line_of(verdict: Verdict) -> Text:
    """What a verdict comes to, in its color."""
    return Text(f"{verdict.outcome.value}: {verdict.reason}", COLORS[verdict.outcome])


def keep_whole(table: Table, but: str) -> None:
    """On a narrow terminal only the column of words gives way, by wrapping."""
    for column in table.columns:
        column.no_wrap = column.header != but
        column.overflow = "fold"


def at(seconds: float) -> str:
    """A moment in unix seconds, for people."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
