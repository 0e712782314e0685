"""The facts in the text format of Prometheus. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.alerting.facts import Snapshot
from pipelines.alerting.families import families


def exposition(snapshot: Snapshot) -> str:
    """The text format of Prometheus, version 0.0.4; it ends in a line break."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry: Any = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(snapshot))
    return generate_latest(registry).decode()


class _Collector:
    """What prometheus_client asks for the families."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        told = self._snapshot.told
        alerts = CounterMetricFamily(
            "evergreen_alerts", "Messages to people, by what became of them.", labels=["result"]
        )
        alerts.add_metric(["delivered"], told.delivered)
        alerts.add_metric(["failed"], told.failed)
        yield alerts
        yield GaugeMetricFamily(
            "evergreen_state_timestamp_seconds",
            "When the state store was read; an old one means that all of this is old.",
            value=self._snapshot.at,
        )
        for name, text, labels, samples in families(self._snapshot.models):
            family = GaugeMetricFamily(name, text, labels=labels)
            for values, value in samples:
                family.add_metric(values, value)
            yield family
