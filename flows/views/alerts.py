"""What the verbs of alerts print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from flows.views.printing import at, print_json
from pipelines.alerting.messages import next_step, said

if TYPE_CHECKING:
    from pipelines.alerting.sending import Delivery
    from pipelines.alerting.telling import Looked
    from pipelines.alerting.told import Alert


def show_deliveries(deliveries: Sequence[Delivery], *, as_json: bool) -> None:
    """Each address, and whether it took the message."""
    if as_json:
        print_json([asdict(each) for each in deliveries])
        return
    for each in deliveries:
        print(f"{each.address}: {each.problem or 'took it'}")


def show_looked(looked: Looked, *, as_json: bool) -> None:
    """What is worth telling, what of it was sent, and who took it."""
    if as_json:
        print_json(
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
        print_json([asdict(each) for each in alerts])
        return
    if not alerts:
        print("nobody was told anything yet; `evergreen alerts test` tries the addresses")
        return
    for each in alerts:
        told = "nobody was told" if each.told is None else f"told at {at(each.told)}"
        print(f"{at(each.noticed)} {each.severity}: {each.title}; {told}")
        if each.problem:
            print(f"  {each.failures} attempts failed, the last because of {each.problem}")
