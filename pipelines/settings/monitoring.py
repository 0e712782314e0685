"""What is watched about a live model, and what makes it train again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipelines.settings.fields import Hours, Positive, Section, Share


class MonitorSettings(Section):
    """Windows of live traffic, and how far they may be from the reference of the live version.

    A window holds `window_hours` of traffic and at least `minimum_rows`. A column has drifted when
    it is significant at `false_discovery_rate` over all columns, and its effect is large enough, in
    `persistence[0]` of the last `persistence[1]` windows.
    """

    window_hours: Hours = 24.0
    minimum_rows: Positive = 1000
    sample_rows: Positive = 20_000
    false_discovery_rate: Share = 0.01
    minimum_ks: Share = 0.1
    minimum_psi: Annotated[float, Field(gt=0)] = 0.2
    minimum_js: Share = 0.1
    persistence: tuple[Positive, Positive] = (2, 3)
    quality_drop: Share = 0.05
    label_false_alarm: Annotated[float, Field(gt=1)] = 1e5


class TriggerSettings(Section):
    """How often an alarm may start a retrain; every refusal is recorded with its reason."""

    cooldown_hours: Hours = 24.0
    most_in_days: tuple[Positive, Positive] = (3, 7)
    failed_gates_open_breaker: Positive = 2
    rearm_share: Share = 0.7
