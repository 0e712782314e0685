"""What is logged, how, and for how long: the section `serve.log` of params.yaml, in a bento.

The settings themselves are pydantic models, which a model server does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Mode = Literal["fast", "audit", "off"]


@dataclass(frozen=True)
class LogPolicy:
    """The fields of `pipelines.settings.LogSettings`, which explains them.

    Attributes:
        mode: `fast` drops rather than waits, `audit` writes before the answer, `off`.
        features: columns to log, or `all`, or `none`.
        identifiers: columns of which only a keyed digest may be logged.
        queue_rows: how many rows may wait to be written in mode `fast`, if they fit in memory.
        segment_rows, segment_minutes: a segment is closed when it has as many, or is as old.
        retention_days: closed segments whose last row is older are removed.
    """

    mode: Mode = "fast"
    features: Literal["all", "none"] | tuple[str, ...] = "all"
    identifiers: tuple[str, ...] = ()
    queue_rows: int = 50_000
    segment_rows: int = 200_000
    segment_minutes: float = 15.0
    retention_days: float = 90.0

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise ValueError(f"the mode is one of {', '.join(get_args(Mode))}, not {self.mode!r}")
        if isinstance(self.features, str) and self.features not in ("all", "none"):
            raise ValueError(f"features are all, none or a list, not {self.features!r}")
        for name in ("queue_rows", "segment_rows", "segment_minutes", "retention_days"):
            value = getattr(self, name)
            if isinstance(value, bool) or not value > 0:
                raise ValueError(f"{name} must be above 0, not {value!r}")
