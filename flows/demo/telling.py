"""What came of the demo: whether it went as it is told, and everything that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from flows.demo.events import Event
from flows.demo.pages import date_at
from flows.demo.quality import by_month
from pipelines.rollout.state import Phase


def told(
    rows: pd.DataFrame,
    happened: Sequence[Event],
    live: Sequence[str],
    planted: dict[str, Any],
    began: float,
) -> dict[str, Any]:
    """What came of it, JSON-ready.

    Args:
        rows: the labelled answers, of `quality.answered`.
        happened: everything, the oldest first.
        live: the versions that were live, the newest first.
        planted: what became of the broken batch and of the bad challenger.
        began: unix seconds.
    """
    return {
        "is_as_told": is_as_told(live, planted),
        "live": list(live),
        "months": [{**asdict(each), "gain": each.gain} for each in by_month(rows)],
        "events": [
            {
                "seconds": round(each.at - began, 1),
                "date": date_at(rows, each.at),
                "who": each.who,
                "text": each.text,
                "tone": each.tone,
            }
            for each in happened
        ],
        "planted": planted,
    }


def is_as_told(live: Sequence[str], planted: dict[str, Any]) -> bool:
    """Whether the loop closed by itself, and what was planted did no harm."""
    broken, challenger = planted["broken"], planted["challenger"]
    is_closed = len(live) > 1
    is_sound = broken["quarantined"] and not broken["retrains"]
    is_gone = challenger["phase"] == Phase.ROLLED_BACK.value and not challenger["bad"]
    return bool(is_closed and is_sound and is_gone)
