"""What the verbs that train print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from flows.views.printing import line_of, print_json, table_of

if TYPE_CHECKING:
    from flows.retraining import Result


def show_result(result: Result, *, as_json: bool) -> None:
    """The stages of a run, what the gate said, and what became of it."""
    if as_json:
        print_json(result.to_json())
        return
    console = Console()
    stages = Table("stage", "state", "seconds", title=f"{result.model}, run {result.run}")
    for stage in result.stages:
        stages.add_row(stage.stage, stage.reached.value, f"{stage.seconds:.1f}")
    console.print(stages)
    console.print(table_of(result.verdict, "test", "outcome", "why", title="gate"))
    console.print(line_of(result.verdict))
    if result.version and not result.is_live:
        console.print(f"{result.version} is registered; report: {result.report}", soft_wrap=True)
        console.print(f"`evergreen rollout {result.model}` brings it to users in steps")
    elif result.version:
        console.print(f"{result.version} is live; report: {result.report}", soft_wrap=True)
    else:
        console.print(f"not promoted, the champion stays; report: {result.report}", soft_wrap=True)


def show_source(seen: dict[str, Any], *, is_same: bool, as_json: bool) -> None:
    """The fingerprint of the source, and whether it is the one that was recorded."""
    if as_json:
        print_json({"seen": seen, "is_recorded": is_same})
        return
    print(json.dumps(seen, indent=2))
    print("as recorded" if is_same else "NOT as recorded; `--record` accepts it")
