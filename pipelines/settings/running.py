"""What happens to a model after its stages: packaging, the limits of a run, serving."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipelines.settings.fields import MinutesByStage, Positive, Section

Columns = tuple[str, ...]


class PackageSettings(Section):
    """How the bento is proved before its version is registered."""

    start_seconds: Positive = 60


class RetrainSettings(Section):
    """Limits of a run; outside the stages, so a change here does not make any of them stale."""

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
