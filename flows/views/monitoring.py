"""What the verbs about a live model print: text for people, JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.views.printing import line_of, print_json, table_of

if TYPE_CHECKING:
    from flows.monitoring import Monitored
    from pipelines.monitoring.triggers.events import Trigger

_STATE_COLORS = {"started": "green", "done": "green", "waiting": "yellow"}


def show_monitored(found: Monitored, *, as_json: bool) -> None:
    """The windows that were looked at, and what follows from them."""
    if as_json:
        print_json(found.to_json())
        return
    from pipelines.monitoring import wording

    console = Console()
    for record in found.windows:
        title = f"{record.window.version}, {record.window}"
        console.print(table_of(record.verdict, "question", "answer", "why", title=title))
        if record.labels is not None:
            console.print(wording.of_window(record.labels), soft_wrap=True)
    newest = found.windows[-1]
    console.print(line_of(newest.verdict), soft_wrap=True)
    if newest.report:
        console.print(f"report: {newest.report}", soft_wrap=True)
    if found.start is not None:
        trigger = found.start.trigger
        console.print(f"trigger {trigger.id}: {trigger.why}", soft_wrap=True)


def show_triggers(model: str, found: list[Trigger], *, as_json: bool) -> None:
    """The newest triggers of a model, each with its reason."""
    if as_json:
        print_json([trigger.to_json() for trigger in found])
        return
    if not found:
        print(f"nothing has asked for a retrain of {model} yet")
        return
    table = Table("trigger", "when (UTC)", "what", "state", "why")
    for trigger in found:
        told = f" (told {trigger.times:,} times)" if trigger.times > 1 else ""
        state = Text(trigger.state.value, _STATE_COLORS.get(trigger.state.value, "dim"))
        what = Text(f"{trigger.event.reason}{told}")
        table.add_row(
            str(trigger.id), f"{trigger.arrived:%Y-%m-%d %H:%M}", what, state, Text(trigger.why)
        )
    Console().print(table)
