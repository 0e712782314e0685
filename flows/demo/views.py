"""What the demo prints: each thing as it happens, and a table at its end."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.demo.events import BAD, GOOD, WARN, Event

_STYLES = {GOOD: "green", WARN: "yellow", BAD: "red"}
# Reasons go on for lines; the page has them whole.
_SHOWN = 160


def line(event: Event, began: float) -> Text:
    """Something that happened, in a line."""
    text = event.text if len(event.text) <= _SHOWN else f"{event.text[: _SHOWN - 1]}…"
    said = f"{event.at - began:8.1f} s  {event.who:<8} {text}"
    return Text(said, style=_STYLES.get(event.tone, ""))


def show(console: Console, told: dict[str, Any]) -> None:
    """How it ended, as tables."""
    table = Table("month", title=f"AUC of {told['live'][-1].split('@')[0]}, by month")
    for name in ("answers", "by", "live", "v1 frozen", "difference"):
        table.add_column(name, justify="left" if name == "by" else "right")
    for month in told["months"]:
        gain = month["gain"]
        table.add_row(
            month["name"],
            f"{month['rows']:,}",
            ", ".join(name.split("@")[1] for name in sorted(month["versions"])),
            f"{month['live']:.3f}",
            f"{month['frozen']:.3f}",
            Text(f"{gain:+.3f}", style="green" if gain > 0 else ""),
        )
    console.print()
    console.print(table)
    for sentence, is_good in sentences(told["planted"]):
        console.print(Text(sentence, style="green" if is_good else "red"), soft_wrap=True)
    total = sum(told["seconds"].values())
    console.print(f"took {total:.0f} s, peak memory {told['peak_memory_gib']:.2f} GiB")
    console.print(f"page:      {told['page']}", soft_wrap=True)
    console.print(f"the clone: {told['clone']} (delete it when you are done)", soft_wrap=True)


def sentences(planted: dict[str, Any]) -> list[tuple[str, bool]]:
    """What became of what was planted, and whether that is as it should be."""
    broken, challenger = planted["broken"], planted["challenger"]
    kept = "in quarantine" if broken["quarantined"] else "NOT in quarantine"
    return [
        (
            f"the broken batch is {kept}, and started {broken['retrains']} retrains",
            broken["quarantined"] and not broken["retrains"],
        ),
        (
            f"the bad challenger {challenger['version']} was {challenger['phase']}; of "
            f"{challenger['requests']:,} requests clients saw {challenger['bad']} bad answers",
            challenger["phase"] == "rolled back" and not challenger["bad"],
        ),
    ]
