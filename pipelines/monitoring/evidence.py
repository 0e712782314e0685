"""Everything that the policy is told of a window, and what it remembers of earlier ones: values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.monitoring.drift import Shift
from pipelines.monitoring.quality import Estimated, Realised
from pipelines.monitoring.skew import Skew
from pipelines.monitoring.soundness import Fault


@dataclass(frozen=True)
class LabelEvidence:
    """What labels there are, and what they say.

    Attributes:
        answers, labels, unknown, mature, coverage: as `labelled.Labelled`.
        delay_seconds: the 95th percentile from answer to label; None without a label.
        realised: the quality of the newest mature answers.
        has_alarmed: whether the loss was shown to be above its limit.
        loss_limit: that limit.
        log_evidence: the detector's logarithm at its peak, and what it had to reach.
        is_ranking: whether the measure is an AUC, of which one half is guessing.
    """

    answers: int
    labels: int
    unknown: int
    mature: int
    mature_labels: int
    coverage: float
    delay_seconds: float | None
    realised: Realised
    has_alarmed: bool
    loss_limit: float
    log_evidence: tuple[float, float]
    is_ranking: bool


@dataclass(frozen=True)
class Look:
    """One look at one window.

    Attributes:
        rows: answers in it.
        unreadable: why nothing can be compared: a clock that jumped, a missing reference; "" if
            nothing stands in the way.
        faults: what is broken in it.
        shifts: its columns against the reference; none of a window that is too small to compare.
        estimated: the quality that its answers promise; None where they promise nothing, or the
            window is too small.
        labels: what labels say; None where none are expected.
        skew: the check of the server against the graph; None where it cannot be made.
        latency_ms: median and 99th percentile; None without a row.
        age_days: of the live version.
        unchecked: what could not be looked at in this window, and why; never mistaken for fine.
    """

    rows: int
    unreadable: str = ""
    faults: tuple[Fault, ...] = ()
    shifts: tuple[Shift, ...] = ()
    estimated: Estimated | None = None
    labels: LabelEvidence | None = None
    skew: Skew | None = None
    latency_ms: tuple[float, float] | None = None
    age_days: float = 0.0
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Past:
    """What is kept of an earlier window of the same version, for persistence and re-arming.

    Attributes:
        until: its end.
        ratios: by signal, its effect as a share of its limit.
        beyond: the signals that were beyond it, and more than chance.
        fired: the signals that asked for a retrain in it.
    """

    until: datetime
    ratios: Mapping[str, float] = field(default_factory=dict)
    beyond: frozenset[str] = frozenset()
    fired: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        return {
            "ratios": {name: round(value, 6) for name, value in self.ratios.items()},
            "beyond": sorted(self.beyond),
            "fired": sorted(self.fired),
        }

    @classmethod
    def from_json(cls, until: datetime, value: Mapping[str, Any]) -> Past:
        """What `to_json` gave."""
        return cls(until, value["ratios"], frozenset(value["beyond"]), frozenset(value["fired"]))
