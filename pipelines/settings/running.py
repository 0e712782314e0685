"""What happens to a model after its stages: packaging, the limits of a run, serving, rollout."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.settings.fields import (
    Hours,
    MinutesByStage,
    Positive,
    RolloutMetrics,
    RolloutSteps,
    Section,
    Share,
)

Columns = tuple[str, ...]


class PackageSettings(Section):
    """How the bento is proved before its version is registered."""

    start_seconds: Positive = 60


class RetrainSettings(Section):
    """Limits of a run; outside the stages, so a change here does not make any of them stale.

    What passes the gate is live at once (`release: direct`), or registered only, to reach users by
    a rollout (`release: staged`).
    """

    release: Literal["direct", "staged"] = "direct"

    timeout_minutes: MinutesByStage = Field(default_factory=dict)
    default_timeout_minutes: float = Field(default=60.0, gt=0)
    lease_seconds: Positive = 60
    push: bool = True


class LogSettings(Section):
    """What every answer leaves behind, for monitoring to read.

    `fast` never lets an answer wait, and counts what it had to drop; `audit` writes before it
    answers, and loses nothing. `features` are the columns that are kept; those among
    `identifiers` are kept as a keyed digest (HMAC) only. A segment is closed after `segment_rows`
    or `segment_minutes`, and removed after `retention_days`.
    """

    mode: Literal["fast", "audit", "off"] = "fast"
    features: Literal["all", "none"] | Columns = "all"
    identifiers: Columns = ()
    queue_rows: Positive = 50_000
    segment_rows: Positive = 200_000
    segment_minutes: Annotated[float, Field(gt=0)] = 15.0
    retention_days: Annotated[float, Field(gt=0)] = 90.0


class ServeSettings(Section):
    """How a version is served. They go into the bento, and change with a new version.

    `max_rows` and `max_body_megabytes` bound one request, `max_concurrency` those at once in a
    worker, `timeout_seconds` the time of each. A missing value in one of the `required` columns is
    refused, and a category that training never saw with `unseen_categories: refuse`.
    """

    workers: Positive = 1
    max_rows: Positive = 4096
    max_body_megabytes: Annotated[float, Field(gt=0, le=1024)] = 4.0
    max_concurrency: Positive = 256
    timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    required: Columns = ()
    unseen_categories: Literal["allow", "refuse"] = "allow"
    log: LogSettings = LogSettings()


class BadRateSettings(Section):
    """The share of bad requests that is good enough in itself, whatever the champion's is."""

    errors: Share = 0.01
    timeouts: Share = 0.01
    invalid: Share = 0.005
    latency: Share = 0.02


class RolloutSettings(Section):
    """How a version reaches users in steps; frozen into each rollout when it begins.

    `steps` are percent of the requests. `minimum_*` and `deadline_hours` hold for each step. The
    ratios are rates of bad events, the challenger's to the champion's: above `harm_ratio` it goes
    back, and shown to be below `promote_ratio` (`wrong_ratio` for labelled answers) it goes on.
    """

    mirror: bool = True
    steps: RolloutSteps = (5, 25, 50, 100)
    approval: tuple[int, ...] = ()
    metrics: RolloutMetrics = ("errors", "timeouts", "invalid", "latency")
    labels: Literal["watch", "require"] = "watch"
    minimum_pairs: Positive = 500
    minimum_requests: Positive = 500
    minimum_hours: Annotated[float, Field(ge=0)] = 0.0
    deadline_hours: Hours = 24.0
    approval_hours: Hours = 72.0
    ready_minutes: Annotated[float, Field(gt=0)] = 10.0
    blind_seconds: Annotated[float, Field(gt=0)] = 60.0
    alpha_rollback: Share = 0.01
    alpha_promote: Share = 0.05
    harm_ratio: Annotated[float, Field(ge=1)] = 1.0
    promote_ratio: Annotated[float, Field(gt=1)] = 2.0
    wrong_ratio: Annotated[float, Field(gt=1)] = 1.25
    bad_rate: BadRateSettings = BadRateSettings()
    shadow_margin: Share = 0.01

    @model_validator(mode="after")
    def _fits(self) -> Self:
        unknown = sorted(set(self.approval) - set(self.steps))
        if unknown:
            raise ValueError(f"approval names {unknown}, which are none of the steps")
        if not self.mirror and self.steps[0] in self.approval:
            raise ValueError("the first step can wait for approval after the mirror only")
        if not self.mirror and self.steps == (100,):
            raise ValueError("one step to 100 without a mirror would promote without evidence")
        if self.minimum_hours >= self.deadline_hours:
            raise ValueError("minimum_hours reaches deadline_hours: no step could ever pass")
        return self
