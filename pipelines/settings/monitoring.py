"""What is watched about a live model, and what makes it train again."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.settings.fields import Hours, Port, Positive, Section, Share


class MonitorSettings(Section):
    """Windows of live traffic, and how far they may be from the reference of the live version.

    A window holds `window_hours` of traffic, or `window_rows` where that is set, and at least
    `minimum_rows`. A column has drifted when it is significant at `false_discovery_rate` over all
    columns, and its effect is large enough, in `persistence[0]` of the last `persistence[1]`
    windows. More than `broken_share` of values that cannot be is no drift but broken data.
    """

    window_hours: Hours = 24.0
    window_rows: Positive | None = None
    minimum_rows: Positive = 1000
    sample_rows: Positive = 20_000
    false_discovery_rate: Share = 0.01
    minimum_ks: Share = 0.1
    minimum_psi: Annotated[float, Field(gt=0)] = 0.2
    minimum_js: Share = 0.1
    important_share: Annotated[float, Field(gt=0, le=1)] = 0.95
    persistence: tuple[Positive, Positive] = (2, 3)
    broken_share: Share = 0.2
    quality_drop: Share = 0.05
    labels: Literal["expected", "none"] = "expected"
    label_days: Annotated[float, Field(gt=0)] = 30.0
    minimum_labels: Positive = 200
    minimum_label_share: Share = 0.2
    loss_margin: Annotated[float, Field(ge=0)] = 0.1
    label_false_alarm: Annotated[float, Field(gt=1)] = 1e5
    skew_tolerance: Annotated[float, Field(gt=0)] = 1e-5

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.persistence[0] > self.persistence[1]:
            raise ValueError(f"persistence {list(self.persistence)} asks for more than there are")
        if self.window_rows is not None and self.window_rows < self.minimum_rows:
            raise ValueError("window_rows is below minimum_rows: no window could ever be judged")
        return self


class DashboardSettings(Section):
    """Evidently's own pages of all windows, which `evergreen up` serves on loopback.

    Without a `port` one is chosen, once, and kept.
    """

    serve: bool = True
    port: Port | None = None


class TriggerSettings(Section):
    """How often an alarm may start a retrain; every refusal is recorded with its reason.

    `schedule_days` after the live version went live its age is a reason of its own. A retrain that
    was started and taken up by nobody for `handover_minutes` is handed out again.
    """

    cooldown_hours: Hours = 24.0
    most_in_days: tuple[Positive, Positive] = (3, 7)
    failed_gates_open_breaker: Positive = 2
    rearm_share: Share = 0.7
    schedule_days: Annotated[float, Field(gt=0)] | None = None
    handover_minutes: Annotated[float, Field(gt=0)] = 10.0
