"""What became of a model: promotions, rollbacks and rollouts, the newest first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from pipelines.releasing.ids import challenger_of
from pipelines.rollout import store
from pipelines.state import ledger

ROLLOUT = "rollout"


def timeline(engine: sa.Engine, model: str) -> list[dict[str, Any]]:
    """Ledger entries as they are, and rollouts (`action: rollout`) with their `changes`.

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
    # Stable: of one second, the entry that a rollout led to is newer than the rollout.
    return sorted([*entries, *rollouts], key=lambda each: str(each["at"]), reverse=True)
