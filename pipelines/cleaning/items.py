"""What a clean-up may remove."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    """What something is."""

    BENTO = "bento"
    VERSION = "version folder"
    WORKTREE = "work tree"
    BRANCH = "branch"
    REPORT = "report"
    ALARM = "alarm"
    CHECKPOINT = "checkpoint"
    PREDICTIONS = "predictions"


@dataclass(frozen=True)
class Item:
    """Something on this machine.

    Attributes:
        kind: what it is.
        model: whose.
        place: the file or folder; of a branch its name.
        size: in bytes.
        last: when it was last written; of a segment of predictions, the time of its last row.
        version: which one it belongs to, as flights@v3; None if to none.
        run: the retrain it belongs to; None if to none.
        is_whole: whether it was made to its end.
    """

    kind: Kind
    model: str
    place: Path
    size: int
    last: datetime
    version: str | None = None
    run: str | None = None
    is_whole: bool = True


@dataclass(frozen=True)
class Ruling:
    """What becomes of an item, and why."""

    item: Item
    is_removed: bool
    why: str

    def to_json(self) -> dict[str, Any]:
        item = self.item
        return {
            "kind": item.kind.value,
            "model": item.model,
            "place": str(item.place),
            "bytes": item.size,
            "is_removed": self.is_removed,
            "why": self.why,
        }
