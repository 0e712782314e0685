"""What the verbs about one server print."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.views.printing import COLORS, line_of, print_json

if TYPE_CHECKING:
    from pipelines.stress.report import Outcomes


def show_manifests(text: str, *, as_json: bool) -> None:
    """Kubernetes manifests: the YAML as it is, or one JSON object that kubectl takes as well."""
    if as_json:
        items = list(yaml.safe_load_all(text))
        print_json({"apiVersion": "v1", "kind": "List", "items": items})
        return
    print(text, end="")


def show_command(arguments: list[str], *, as_json: bool) -> None:
    """A command that somebody else runs: a line for a shell, or its arguments."""
    if as_json:
        print_json(arguments)
    else:
        print(shlex.join(arguments))


def show_stress(outcomes: Outcomes, page: Path, *, as_json: bool) -> None:
    """How a server stood a load, and where the report is."""
    if as_json:
        print_json({**outcomes.to_json(), "report": str(page)})
        return
    console, summary = Console(), outcomes.summary
    table = Table("milliseconds", *summary.latency, title=f"{outcomes.name}, stress run")
    for name, values in (("from due", summary.latency), ("from sent", summary.service)):
        table.add_row(name, *(f"{value:.2f}" for value in values.values()))
    if summary.latency:
        console.print(table)
    for part in outcomes.verdict.parts:
        console.print(Text(f"{part.name}: {part.reason}", COLORS[part.outcome]), soft_wrap=True)
    console.print(line_of(outcomes.verdict), soft_wrap=True)
    console.print(f"report: {page}", soft_wrap=True)
