"""What the verbs print: text for people, JSON for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.explanation.values import shown
from pipelines.verdicts import Outcome, Verdict

if TYPE_CHECKING:
    from flows.retraining import Result
    from pipelines.labelling import LabellingResult
    from pipelines.scoring import ScoringResult
    from pipelines.stress.report import Outcomes

COLORS = {
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
    if result.version and not result.is_live:
        console.print(f"{result.version} is registered; report: {result.report}", soft_wrap=True)
        console.print(f"`evergreen rollout {result.model}` brings it to users in steps")
    elif result.version:
        console.print(f"{result.version} is live; report: {result.report}", soft_wrap=True)
    else:
        console.print(f"not promoted, the champion stays; report: {result.report}", soft_wrap=True)


def show_verdict(console: Console, verdict: Verdict) -> None:
    table = Table("test", "outcome", "why", title="gate")
    for part in verdict.parts:
        color = COLORS[part.outcome]
        table.add_row(part.name, Text(part.outcome.value, style=color), Text(part.reason))
    console.print(table)
    console.print(Text(f"{verdict.outcome.value}: {verdict.reason}", COLORS[verdict.outcome]))


def show_history(model: str, rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Entries of the ledger, planted faults, and rollouts with their changes."""
    if as_json:
        _json(rows)
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
    _keep_whole(table, but="why")
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
    _keep_whole(table, but="why")
    return table


def show_status(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        _json(rows)
        return
    table = Table("model", "live", "since (UTC)", "last run")
    for row in rows:
        last = f"{row['last_status']}: {row['last_reason'] or '-'}" if row["last_status"] else "-"
        if row["running"]:
            last = f"running now: {row['running']}"
        since = _time(row["since"]) if row["since"] else "-"
        table.add_row(row["model"], row["live"] or "-", since, Text(last))
    _keep_whole(table, but="last run")
    Console().print(table)


def _keep_whole(table: Table, but: str) -> None:
    """On a narrow terminal only the column of words gives way, by wrapping."""
    for column in table.columns:
        column.no_wrap = column.header != but
        column.overflow = "fold"


def _time(at: str) -> str:
    """2026-11-21T22:01:15Z as a person writes it: 2026-11-21 22:01."""
    return at[:16].replace("T", " ")


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


def show_feedback(result: LabellingResult, *, as_json: bool) -> None:
    if as_json:
        _json({"labels": result.labels, "folder": str(result.folder)})
        return
    print(f"{result.labels:,} labels -> {result.folder}")


def show_explanations(found: dict[str, Any], *, as_json: bool) -> None:
    """What `flows.explaining.explain` found."""
    if as_json:
        _json(found)
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
        _keep_whole(table, but="feature")
        console.print(table)
    console.print(
        Text(f"{found['version']}; base + all that is added = {found['answer']}"), soft_wrap=True
    )


def show_manifests(text: str, *, as_json: bool) -> None:
    """Kubernetes manifests: the YAML as it is, or one JSON object that kubectl takes as well."""
    if as_json:
        items = list(yaml.safe_load_all(text))
        _json({"apiVersion": "v1", "kind": "List", "items": items})
        return
    print(text, end="")


def show_command(arguments: list[str], *, as_json: bool) -> None:
    """A command that somebody else runs: a line for a shell, or its arguments."""
    if as_json:
        _json(arguments)
    else:
        print(shlex.join(arguments))


def show_stress(outcomes: Outcomes, page: Path, *, as_json: bool) -> None:
    """How a server stood a load, and where the report is."""
    if as_json:
        _json({**outcomes.to_json(), "report": str(page)})
        return
    console, summary = Console(), outcomes.summary
    table = Table("milliseconds", *summary.latency, title=f"{outcomes.name}, stress run")
    for name, values in (("from due", summary.latency), ("from sent", summary.service)):
        table.add_row(name, *(f"{value:.2f}" for value in values.values()))
    if summary.latency:
        console.print(table)
    verdict = outcomes.verdict
    for part in verdict.parts:
        console.print(Text(f"{part.name}: {part.reason}", COLORS[part.outcome]), soft_wrap=True)
    said = f"{verdict.outcome.value}: {verdict.reason}"
    console.print(Text(said, COLORS[verdict.outcome]), soft_wrap=True)
    console.print(f"report: {page}", soft_wrap=True)


def show_path(path: Path, *, as_json: bool) -> None:
    if as_json:
        _json({"path": str(path)})
    else:
        print(path)


def _json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))
