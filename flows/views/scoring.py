"""What the verbs that score and label print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.views.printing import keep_whole, print_json
from pipelines.explanation.values import shown

if TYPE_CHECKING:
    from pipelines.labelling import LabellingResult
    from pipelines.scoring import ScoringResult


def show_scoring(result: ScoringResult, out: Path, *, as_json: bool) -> None:
    """How many rows were scored, how fast, and where they are."""
    speed = result.rows / result.seconds if result.seconds else 0.0
    if as_json:
        print_json({"rows": result.rows, "seconds": result.seconds, "out": str(out)})
        return
    print(f"{result.rows:,} rows in {result.seconds:.1f} s ({speed:,.0f} rows/s) -> {out}")


def show_feedback(result: LabellingResult, *, as_json: bool) -> None:
    """How many labels were taken, and where they are."""
    if as_json:
        print_json({"labels": result.labels, "folder": str(result.folder)})
        return
    print(f"{result.labels:,} labels -> {result.folder}")


def show_explanations(found: dict[str, Any], *, as_json: bool) -> None:
    """What `flows.explaining.explain` found."""
    if as_json:
        print_json(found)
        return
    console = Console()
    for row in found["rows"]:
        decided = f" for {row['class']}" if "class" in row else ""
        table = Table("feature", "value", "adds", title_justify="left", title_style="bold")
        table.title = f"row {row['row']}: {row['answer']:.6g}{decided}, base {row['base']:.6g}"
        for each in row["contributions"]:
            color = "green" if each["contribution"] >= 0 else "red"
            adds = Text(f"{each['contribution']:+.4g}", color)
            table.add_row(Text(each["feature"]), Text(shown(each["value"])), adds)
        if row["others"]:
            table.add_row(Text("all others", "dim"), "", Text(f"{row['others']:+.4g}", "dim"))
        table.columns[2].justify = "right"
        keep_whole(table, but="feature")
        console.print(table)
    console.print(
        Text(f"{found['version']}; base + all that is added = {found['answer']}"), soft_wrap=True
    )
