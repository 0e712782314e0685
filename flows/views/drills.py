"""What the verb of drills prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.drills.result import Result
from flows.views.printing import print_json


def show_drills(results: Sequence[Result], page: Path, *, as_json: bool) -> None:
    """All drills as a table, what is wrong below it, and where the page is."""
    if as_json:
        told = {"drills": [each.to_json() for each in results], "page": str(page)}
        print_json(told)
        return
    console = Console()
    console.print(_table(results))
    for each in results:
        for problem in each.problems:
            console.print(Text(f"{each.name}: {problem}", "red"), soft_wrap=True)
    console.print(f"by the second: {page}", soft_wrap=True)


def line(result: Result) -> str:
    """One drill in a line, as soon as it is over."""
    word = "as expected" if result.is_as_expected else "NOT as expected"
    decided = result.decision_seconds
    took = "" if decided is None else f" after {decided:.1f} s"
    return (
        f"{result.name}: {result.real}{took}, {result.requests:,} requests, "
        f"{result.bad.total} bad answers: {word}"
    )


def _table(results: Sequence[Result]) -> Table:
    table = Table("drill", "should end", "ended", title="drills")
    for name in ("decided in", "measured", "requests", "again", "bad"):
        table.add_column(name, justify="right")
    for each in results:
        decided = each.decision_seconds
        table.add_row(
            each.name,
            each.expected,
            Text(each.real, "green" if each.is_as_expected else "red"),
            "" if decided is None else f"{decided:.1f} s",
            "\n".join(f"{name} {seconds:.2f} s" for name, seconds in each.measured.items()),
            f"{each.requests:,}",
            f"{each.sent_again:,}",
            Text(_bad(each), "green" if not each.bad.total else "red"),
        )
    return table


def _bad(result: Result) -> str:
    kinds = {kind: count for kind, count in asdict(result.bad).items() if count}
    return "\n".join(f"{kind} {count}" for kind, count in kinds.items()) or "0"
