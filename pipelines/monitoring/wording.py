"""What was seen of a window, as a person reads it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pipelines.monitoring.drift import Shift
from pipelines.monitoring.evidence import LabelEvidence
from pipelines.monitoring.labelled import OfWindow
from pipelines.settings import MonitorSettings
from pipelines.statistics.estimate import Interval

_HUGE = math.log(1e9)


def shift(seen: Shift) -> str:
    """`feature wind_speed (KS 0.18 of 0.1)`."""
    return f"{seen.name} ({seen.effect} {seen.value:.3g} of {seen.limit:g})"


def drifted(shifts: Sequence[Shift], settings: MonitorSettings) -> str:
    """The columns that drifted for good, the farthest first."""
    needed, of = settings.persistence
    said = ", ".join(shift(each) for each in shifts[:5])
    more = f" and {len(shifts) - 5} more" if len(shifts) > 5 else ""
    return f"beyond their limits in {needed} of the last {of} windows: {said}{more}"


def calm(shifts: Sequence[Shift], beyond: frozenset[str], settings: MonitorSettings) -> str:
    """No column drifted for good; the one that came nearest, or those that are beyond for now."""
    if beyond:
        needed, of = settings.persistence
        names = ", ".join(shift(each) for each in shifts if each.name in beyond)
        return f"{names}: beyond in this window, which is not {needed} of {of} yet"
    nearest = next((each for each in shifts if each.is_important), shifts[0])
    return f"none of {len(shifts)} comparisons is beyond its limit; nearest is {shift(nearest)}"


def of_labels(labels: LabelEvidence) -> str:
    """How many labels there are, how old, and what they say."""
    delay = (
        "" if labels.delay_seconds is None else f", 95 % within {duration(labels.delay_seconds)}"
    )
    said = f"{labels.labels:,} labels of {labels.answers:,} answers{delay}"
    if labels.realised.quality is None:
        return said
    measured = interval(labels.realised.quality)
    return (
        f"{measured} in {labels.realised.labels:,} labels, {labels.realised.at_release:.4f} on the "
        f"holdout; {said}"
    )


def of_window(labels: OfWindow) -> str:
    """How far the labels of one window have come."""
    return (
        f"labels of {labels.labels:,} of the window's {labels.answers:,} answers "
        f"({labels.coverage:.0%}), of which {labels.maturity:.0%} are old enough to count"
    )


def interval(seen: Interval) -> str:
    """`0.7012 (0.6871 to 0.7153)`."""
    return f"{seen.value:.4f} ({seen.low:.4f} to {seen.high:.4f})"


def e_value(log: float) -> str:
    """An e-value from its logarithm: `1e+05`, of which 1 is no evidence at all."""
    return f"{math.exp(log):.3g}" if log < _HUGE else "over a billion"


def duration(seconds: float) -> str:
    """`36 h`, `12 min` or `5 s`."""
    if seconds >= 3600:
        return f"{seconds / 3600:.3g} h"
    return f"{seconds / 60:.3g} min" if seconds >= 60 else f"{seconds:.3g} s"


def asked_already(is_fresh: bool) -> str:
    """Said of an alarm that goes on."""
    return "" if is_fresh else "; it has asked for a retrain already, and is not over yet"
