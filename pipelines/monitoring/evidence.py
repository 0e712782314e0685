"""Everything that the policy is told of a window, and what it remembers of earlier ones: values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.monitoring.attribution import Attribution
from pipelines.monitoring.drift import Shift
from pipelines.monitoring.labelled import OfWindow
from pipelines.monitoring.quality import Estimated, Realised
from pipelines.monitoring.skew import Skew
from pipelines.monitoring.soundness import Fault
from pipelines.settings import MonitorSettings

_MOST_SHOWN = 20


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
        of_window: what labels there are of the window itself.
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
    of_window: OfWindow

    @property
    def unknown_share(self) -> float:
        """The share of all labels that are of requests which the log does not know."""
        told = self.labels + self.unknown
        return self.unknown / told if told else 0.0

    @property
    def is_turned_around(self) -> bool:
        """Whether the AUC is shown to be below one half, which no change of the world makes it."""
        found = self.realised
        return (
            self.is_ranking
            and found.quality is not None
            and found.quality.high < 0.5 < found.at_release
        )

    def lack(self, settings: MonitorSettings) -> str:
        """Why these labels cannot be believed to speak for the answers; "" when they can."""
        if self.unknown_share > settings.broken_share:
            told = self.labels + self.unknown
            return f"{self.unknown:,} of {told:,} labels are of requests that the log does not know"
        if not self.labels:
            return "no label has come yet"
        if self.realised.labels < settings.minimum_labels:
            needed = f"{settings.minimum_labels:,} are needed"
            return f"{self.realised.labels:,} mature labels, and {needed}"
        if self.coverage < settings.minimum_label_share:
            return f"labels of {self.coverage:.0%} of the mature answers only"
        if self.realised.distinct < 2:
            return "all labels are the same"
        return ""


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
        attributions: what the model listens to, the features that changed most first; none where
            not all features are logged, or the window is too small.
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
    attributions: tuple[Attribution, ...] = ()

    @property
    def shown(self) -> dict[str, Any]:
        """What is kept beside the verdict, though no verdict follows from it; JSON-ready."""
        labels = None if self.labels is None else self.labels.of_window
        return {
            "labels": None if labels is None else labels.to_json(),
            "attribution": [each.to_json() for each in self.attributions[:_MOST_SHOWN]],
        }


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
