"""What the verbs of alerts print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.alerting.messages import next_step, said
from pipelines.alerting.sending import Delivery
from pipelines.alerting.telling import Looked
from pipelines.alerting.told import Alert

_COLORS = {"critical": "red", "warning": "yellow", "info": "green"}


def show_deliveries(deliveries: Sequence[Delivery], *, as_json: bool) -> None:
    """Each address, and whether it took the message."""
    if as_json:
        _json([asdict(each) for each in deliveries])
        return
    for each in deliveries:
        print(f"{each.address}: {each.problem or 'took it'}")


def show_looked(looked: Looked, *, as_json: bool) -> None:
    """What is worth telling, what of it was sent, and who took it."""
    if as_json:
        _json(
            {
                "events": [
                    {
                        **asdict(event),
                        "severity": event.severity,
                        "key": event.key,
                        "said": said(event),
                        "next_step": next_step(event),
                        "is_sent": event in looked.sent,
                    }
                    for event in looked.events
                ],
                "deliveries": [asdict(each) for each in looked.deliveries],
            }
        )
        return
    if not looked.events:
        print("nothing needs a person")
    for event in looked.events:
        state = "sent now" if event in looked.sent else "not sent now"
        print(f"{event.severity}: {said(event)} ({state})\n  next step: {next_step(event)}")
    show_deliveries(looked.deliveries, as_json=False)


def show_alerts(alerts: Sequence[Alert], *, as_json: bool) -> None:
    """The messages, the newest first."""
    if as_json:
        _json([asdict(each) for each in alerts])
        return
    if not alerts:
        print("nobody was told anything yet; `evergreen alerts test` tries the addresses")
        return
    table = Table("noticed (UTC)", "severity", "what", "told (UTC)", "failures", "last problem")
    for each in alerts:
        table.add_row(
            _time(each.noticed),
            Text(each.severity, _COLORS[each.severity]),
            Text(each.title),
            "never" if each.told is None else _time(each.told),
            str(each.failures),
            Text(each.problem or "-"),
        )
    Console().print(table)


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def _json(value: Any) -> None:
    print(json.dumps(value, indent=2, allow_nan=False))
