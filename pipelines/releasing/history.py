"""What became of a model: promotions, rollbacks, rollouts and planted faults, the newest first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from pipelines.releasing.ids import challenger_of
from pipelines.rollout import store
from pipelines.state import faults, ledger
from pipelines.state.faults import Planted

ROLLOUT = "rollout"
PLANTED, CLEARED = "fault planted", "faults cleared"


def timeline(engine: sa.Engine, model: str) -> list[dict[str, Any]]:
    """Ledger entries as they are, rollouts (`action: rollout`) with their `changes`, and faults.

    A rollout stands where it began; what it led to stands above it, as an entry of the ledger.
    """
    entries = [entry.to_json() for entry in ledger.history(engine, model)]
    rollouts = [
        {
            "at": each.started,
            "model": model,
            "action": ROLLOUT,
            "version": challenger_of(each.id),
            "rollout": each.id,
            "finished": each.finished,
            "changes": [asdict(change) for change in store.history(engine, each.id)],
        }
        for each in store.listed(engine, model)
    ]
    on_purpose = [_fault(each) for each in faults.history(engine, model)]
    # Stable: of one second, the entry that a rollout led to is newer than the rollout.
    found = [*entries, *rollouts, *on_purpose]
    return sorted(found, key=lambda each: str(each["at"]), reverse=True)


def _fault(planted: Planted) -> dict[str, Any]:
    fault = planted.fault
    return {
        "at": planted.at,
        "model": planted.model,
        "action": CLEARED if fault is None else PLANTED,
        "version": (fault or {}).get("version") or "every version",
        "who": planted.who,
        "why": "by hand"
        if fault is None
        else f"{fault['percent']} % of its requests {fault['what']}",
        "fault": None if fault is None else dict(fault),
    }
