"""What Prometheus reads at /metrics, over all workers of a server.

Every label has a handful of values that we choose; nothing that a client sends becomes one.
"""

from __future__ import annotations

import os
from typing import Any

from pipelines.serving.context import Door
from pipelines.serving.served import Servable

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
DOORS: tuple[Door, ...] = ("predict", "rest", "grpc")
OUTCOMES = ("answered", "refused", "unavailable", "failed")
_BUCKETS = (
    *(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)


class Meters:
    """The counters of one worker.

    prometheus_client looks for PROMETHEUS_MULTIPROC_DIR when it is imported, and BentoML sets it
    for its workers; so it is imported here and not before.
    """

    def __init__(self, model: Servable) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry: Any = CollectorRegistry()
        requests = Counter(
            "evergreen_requests",
            "Requests by door and outcome.",
            ["door", "outcome"],
            registry=self._registry,
        )
        seconds = Histogram(
            "evergreen_request_seconds",
            "From the first byte of a request to its answer.",
            ["door"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        rows = Counter("evergreen_rows", "Rows answered.", ["door"], registry=self._registry)
        # Bound once: looking labels up costs more than counting.
        self._requests = {
            (door, outcome): requests.labels(door, outcome)
            for door in DOORS
            for outcome in OUTCOMES
        }
        self._seconds = {door: seconds.labels(door) for door in DOORS}
        self._rows = {door: rows.labels(door) for door in DOORS}
        self._log_rows = Gauge(
            "evergreen_prediction_log_rows",
            "Rows of the prediction log: written, dropped, failed to be written, waiting.",
            ["state"],
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self._log_files = Gauge(
            "evergreen_prediction_log_files",
            "Files of the prediction log: put aside as torn since the start, not Parquet yet.",
            ["state"],
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self._log_problem = Gauge(
            "evergreen_prediction_log_problem",
            "Workers whose last write to the prediction log, or closing of a segment, failed.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        info = Gauge(
            "evergreen_model_info",
            "The version that is served; always 1.",
            ["model", "version", "sha256"],
            multiprocess_mode="livemax",
            registry=self._registry,
        )
        info.labels(model.name, model.version, model.digest).set(1)
        self._through: list[tuple[Door, int, float, int]] = []

    def count(self, door: Door, status: int, seconds: float, rows: int) -> None:
        """One request is through, with this HTTP status (or what gRPC's status stands for).

        `tell` counts it: many at a time, which is half the work.
        """
        self._through.append((door, status, seconds, rows))

    def tell(self) -> None:
        """Count what is through since the last call, where every worker's `exposition` sees it."""
        through, self._through = self._through, []
        for door, status, seconds, rows in through:
            self._requests[door, outcome_of(status)].inc()
            if status < 400:
                self._seconds[door].observe(seconds)
                self._rows[door].inc(rows)

    def log(self, counts: dict[str, int]) -> None:
        """How the prediction log is doing."""
        for state, rows in counts.items():
            self._log_rows.labels(state).set(rows)

    def log_health(self, files: dict[str, int], *, has_problem: bool) -> None:
        """Whether what the prediction log was given becomes what it should."""
        for state, count in files.items():
            self._log_files.labels(state).set(count)
        self._log_problem.set(has_problem)

    def exposition(self) -> bytes:
        """The metrics of all workers in Prometheus's text format."""
        self.tell()
        from prometheus_client import CollectorRegistry, generate_latest, multiprocess

        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        registry: Any = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def outcome_of(status: int) -> str:
    """One of OUTCOMES."""
    if status < 400:
        return "answered"
    if status < 500 and status != 429:
        return "refused"
    return "unavailable" if status in (429, 503) else "failed"
