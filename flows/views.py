"""What the verbs print: text for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.state.ledger import Entry
from pipelines.verdicts import Outcome, Verdict

if TYPE_CHECKING:
    from flows.retraining import Result
    from pipelines.scoring import ScoringResult

_COLORS = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.ERROR: "red",
}


def show_result(result: Result, *, as_json: bool) -> None:
    if as_json:
        _json(result.to_json())
        return
    console = Console()
    stages = Table("stage", "state", "seconds", title=f"{result.model}, run {result.run}")
    for stage in result.stages:
        stages.add_row(stage.stage, stage.reached.value, f"{stage.seconds:.1f}")
    console.print(stages)
    show_verdict(console, result.verdict)
    if result.version:
        console.print(f"{result.version} is live; report: {result.report}", soft_wrap=True)
    else:
        console.print(f"not promoted, the champion stays; report: {result.report}", soft_wrap=True)


def show_verdict(console: Console, verdict: Verdict) -> None:
    table = Table("test", "outcome", "why", title="gate")
    for part in verdict.parts:
        color = _COLORS[part.outcome]
        table.add_row(part.name, Text(part.outcome.value, style=color), Text(part.reason))
    console.print(table)
    console.print(Text(f"{verdict.outcome.value}: {verdict.reason}", _COLORS[verdict.outcome]))


def show_history(model: str, entries: list[Entry], *, as_json: bool) -> None:
    if as_json:
        _json([entry.to_json() for entry in entries])
        return
    if not entries:
        print(f"nothing of {model} has been live yet; `evergreen retrain {model}` starts")
        return
    table = Table("when", "what", "version", "before", "who", "why", "commit")
    for entry in entries:
        table.add_row(
            entry.at,
            entry.action,
            entry.version,
            entry.previous or "-",
            entry.who,
            entry.why,
            entry.commit[:12],
        )
    Console().print(table)


def show_status(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        _json(rows)
        return
    table = Table("model", "live", "since", "running", "last run", "how it ended")
    for row in rows:
        ended = f"{row['last_status']}: {row['last_reason']}" if row["last_status"] else "-"
        table.add_row(
            row["model"],
            row["live"] or "-",
            row["since"] or "-",
            row["running"] or "-",
            row["last_run"] or "-",
            Text(ended),
        )
    Console().print(table)


def show_source(seen: dict[str, Any], *, is_same: bool, as_json: bool) -> None:
    if as_json:
        _json({"seen": seen, "is_recorded": is_same})
        return
    print(json.dumps(seen, indent=2))
    print("as recorded" if is_same else "NOT as recorded; `--record` accepts it")


def show_scoring(result: ScoringResult, out: Path, *, as_json: bool) -> None:
    speed = result.rows / result.seconds if result.seconds else 0.0
    if as_json:
        _json({"rows": result.rows, "seconds": result.seconds, "out": str(out)})
        return
    print(f"{result.rows:,} rows in {result.seconds:.1f} s ({speed:,.0f} rows/s) -> {out}")


def show_path(path: Path, *, as_json: bool) -> None:
    if as_json:
        _json({"path": str(path)})
    else:
        print(path)


def _json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))
