"""What the verbs that only read print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.views.printing import keep_whole, print_json


def show_history(model: str, rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Entries of the ledger, planted faults, and rollouts with their changes."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        print(f"nothing of {model} has been live yet; `evergreen retrain {model}` starts")
        return
    table = Table("when (UTC)", "what", "version", "before", "why")
    rollouts = [row for row in rows if "changes" in row]
    for row in rows:
        why = f"{len(row['changes'])} changes, see below" if row in rollouts else _why(row)
        before = row.get("previous") or "-"
        table.add_row(_time(row["at"]), row["action"], row["version"], before, Text(why))
    keep_whole(table, but="why")
    console = Console()
    console.print(table)
    for row in rollouts:
        console.print(_changes(row))


def _why(row: Mapping[str, Any]) -> str:
    commit = f", commit {row['commit'][:12]}" if "commit" in row else ""
    return f"{row['why']} ({row['who']}{commit})"


def _changes(row: Mapping[str, Any]) -> Table:
    """The changes of one rollout, in a table as wide as their reasons need."""
    table = Table("when", "step", "why", title=f"rollout of {row['version']}")
    for each in row["changes"]:
        step = f"{each['phase']}, {each['weight_percent']} %"
        table.add_row(each["at"][11:16], step, Text(each["reason"]))
    keep_whole(table, but="why")
    return table


def show_models(rows: Sequence[Mapping[str, Any]]) -> None:
    """Which version of each model is live, and what its last run came to."""
    table = Table("model", "live", "since (UTC)", "last run")
    for row in rows:
        last = f"{row['last_status']}: {row['last_reason'] or '-'}" if row["last_status"] else "-"
        if row["running"]:
            last = f"running now: {row['running']}"
        since = _time(row["since"]) if row["since"] else "-"
        table.add_row(row["model"], row["live"] or "-", since, Text(last))
    keep_whole(table, but="last run")
    Console().print(table)


def _time(at: str) -> str:
    """2026-11-21T22:01:15Z as a person writes it: 2026-11-21 22:01."""
    return at[:16].replace("T", " ")
