"""How far each column of a window is from the reference, and whether that could be chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.monitoring.comparing import (
    CategorySeen,
    NumberReference,
    NumberSeen,
    Reference,
    Seen,
)
from pipelines.settings import MonitorSettings
from pipelines.statistics.drift import categories, divergence, numbers
from pipelines.statistics.multiplicity import adjusted_p

_OTHERS = "\0others"
Effect = tuple[str, float, float]


@dataclass(frozen=True)
class Shift:
    """One column, or how often it is missing, against the reference.

    Attributes:
        name: `feature wind_speed`, `missing wind_speed`, `output probability`.
        effect: which distance is the farthest over its limit: KS, PSI, JS or share.
        value: that distance.
        limit: from where on it counts.
        p: the p-value, adjusted over all columns (Benjamini and Hochberg).
        is_significant: whether that is at most the false discovery rate.
        is_important: whether it may alarm.
    """

    name: str
    effect: str
    value: float
    limit: float
    p: float
    is_significant: bool
    is_important: bool

    @property
    def ratio(self) -> float:
        """The distance as a share of its limit."""
        return self.value / self.limit

    @property
    def has_drifted(self) -> bool:
        """Whether it is both more than chance and large enough to matter."""
        return self.is_significant and self.ratio >= 1

    def to_json(self) -> dict[str, Any]:
        return {
            "column": self.name,
            "effect": self.effect,
            "value": round(self.value, 6),
            "limit": self.limit,
            "adjusted_p": self.p,
            "drifted": self.has_drifted,
            "important": self.is_important,
        }


def shifts(
    references: Mapping[str, Reference],
    seen: Mapping[str, Seen],
    important: frozenset[str],
    settings: MonitorSettings,
) -> list[Shift]:
    """All columns of a window at once, the farthest over its limit first.

    Missing values are a question of their own: a mean that moves because a sensor is silent is
    another matter than one that moves because the world did.
    """
    found: list[tuple[str, bool, Effect, float]] = []
    for name, of_window in seen.items():
        reference = references[name]
        effect, p = _effect(reference, of_window, settings)
        found.append((name, name in important, effect, p))
        if not name.startswith("output "):
            missing, p = _missing(reference, of_window, settings)
            found.append((f"missing {name.partition(' ')[2]}", name in important, missing, p))
    if not found:
        return []
    adjusted = adjusted_p(np.array([p for *_, p in found]))
    listed = [
        Shift(
            name,
            *effect,
            p=float(p),
            is_significant=bool(p <= settings.false_discovery_rate),
            is_important=is_important,
        )
        for (name, is_important, effect, _), p in zip(found, adjusted, strict=True)
    ]
    return sorted(listed, key=lambda shift: (-shift.ratio, shift.name))


def _effect(reference: Reference, seen: Seen, settings: MonitorSettings) -> tuple[Effect, float]:
    if isinstance(reference, NumberReference):
        assert isinstance(seen, NumberSeen)
        steps, placed = reference.steps, seen.placed
        distance = numbers.ks_distance(steps, placed)
        effects: list[Effect] = [
            ("KS", distance, settings.minimum_ks),
            ("JS", numbers.js_distance(steps, placed), settings.minimum_js),
            ("PSI", numbers.psi(steps, placed), settings.minimum_psi),
        ]
        return _farthest(effects), numbers.ks_p(distance, steps.size, placed.size)
    assert isinstance(seen, CategorySeen)
    known, now = categories.pooled(reference.counts, {**seen.known, _OTHERS: seen.others})
    effects = [
        ("JS", divergence.js_distance(known, now), settings.minimum_js),
        ("PSI", divergence.stability_index(known, now), settings.minimum_psi),
    ]
    return _farthest(effects), categories.homogeneity_p(known, now)


def _farthest(effects: list[Effect]) -> Effect:
    return max(effects, key=lambda each: each[1] / each[2])


def _missing(reference: Reference, seen: Seen, settings: MonitorSettings) -> tuple[Effect, float]:
    if not reference.missing and not seen.missing:
        return ("share", 0.0, settings.minimum_ks), 1.0
    before = reference.missing / reference.rows if reference.rows else 0.0
    now = seen.missing / seen.rows if seen.rows else 0.0
    p = categories.homogeneity_p(
        np.array([reference.rows - reference.missing, reference.missing]),
        np.array([seen.rows - seen.missing, seen.missing]),
    )
    # The distance of two shares is the KS distance of yes and no.
    return ("share", abs(now - before), settings.minimum_ks), p
