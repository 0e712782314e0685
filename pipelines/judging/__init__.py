"""Bring a challenger and the champion before the gate: read both, ask both the same rows.

Belongs here: what opens files and sessions so that a gate can be asked. The champion is scored anew
on the challenger's holdout, never taken at its old word. Does not belong here: what is decided of
it (`pipelines/gates/`, which is pure).
"""

from pipelines.judging.candidates import BASELINE
from pipelines.judging.deciding import decide, has_fresh_rows, holdout_asked

__all__ = ["BASELINE", "decide", "has_fresh_rows", "holdout_asked"]
