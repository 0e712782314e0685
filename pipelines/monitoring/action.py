"""What follows from a window: a word that the inbox reads without all that judges windows."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What follows from a window."""

    NOTHING = "nothing"
    RETRAIN = "retrain"
    QUARANTINE = "quarantine"
    MEND = "mend"
