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
LOGGED = ("written", "dropped", "failed")
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (
    *(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)


class Meters:
    """The counters of one worker.

    prometheus_client looks for PROMETHEUS_MULTIPROC_DIR when it is imported, and BentoML sets it
    for its workers; so it is imported here and not before.

    Args:
        model: what is served.
        worker: its number among the server's workers. The one that takes the place of a killed one
            has the same, and counts on where that one ended: to Prometheus nothing happened.
    """

    def __init__(self, model: Servable, worker: int | None = None) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

        if worker is not None and _SHARED in os.environ:
            # By pid, as the library has it, a killed worker's gauges would be shown for ever, and
            # each that takes its place would leave more files behind.
            values.ValueClass = values.MultiProcessValue(lambda: worker)  # type: ignore[no-untyped-call]
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
        logged = Counter(
            "evergreen_prediction_log_rows",
            "Rows that the prediction log wrote, dropped, or failed to write.",
            ["state"],
            registry=self._registry,
        )
        self._logged = {state: logged.labels(state) for state in LOGGED}
        self._known = dict.fromkeys(LOGGED, 0)
        self._queued = Gauge(
            "evergreen_prediction_log_queued_rows",
            "Rows that wait to be written to the prediction log.",
            multiprocess_mode="sum",
            registry=self._registry,
        )
        self._log_files = Gauge(
            "evergreen_prediction_log_files",
            "Files of the prediction log: put aside as torn since the start, not Parquet yet.",
            ["state"],
            multiprocess_mode="sum",
            registry=self._registry,
        )
        self._log_problem = Gauge(
            "evergreen_prediction_log_problem",
            "Workers whose last write to the prediction log, or closing of a segment, failed.",
            multiprocess_mode="sum",
            registry=self._registry,
        )
        info = Gauge(
            "evergreen_model_info",
            "The version that is served; always 1.",
            ["model", "version", "sha256"],
            multiprocess_mode="max",
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
        """How the prediction log is doing, in rows since this worker opened it."""
        for state, counter in self._logged.items():
            rows = counts.get(state, 0)
            counter.inc(rows - self._known[state])
            self._known[state] = rows
        self._queued.set(counts.get("queued", 0))

    def log_health(self, files: dict[str, int], *, has_problem: bool) -> None:
        """Whether what the prediction log was given becomes what it should."""
        for state, count in files.items():
            self._log_files.labels(state).set(count)
        self._log_problem.set(has_problem)

    def exposition(self) -> bytes:
        """The metrics of all workers in Prometheus's text format."""
        self.tell()
        from prometheus_client import CollectorRegistry, generate_latest, multiprocess

        if _SHARED not in os.environ:
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
