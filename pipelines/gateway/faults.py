"""Planted faults as the headers that Envoy's fault filter reads."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.gateway.table import Fault

_DELAY = "x-envoy-fault-delay-request"
_ABORT = "x-envoy-fault-abort-request"
_PERCENT = "-percentage"


def of_version(faults: Iterable[Fault], version: str, now: float) -> dict[str, str]:
    """What to tell the filter about requests that reach a version; nothing without a fault.

    Of two faults of a kind the later one in the table holds.
    """
    told: dict[str, str] = {}
    for fault in faults:
        if fault.expires <= now or fault.version not in (None, version):
            continue
        if fault.delay_ms is not None:
            told |= {_DELAY: str(fault.delay_ms), _DELAY + _PERCENT: str(fault.percent)}
        if fault.abort_status is not None:
            told |= {_ABORT: str(fault.abort_status), _ABORT + _PERCENT: str(fault.percent)}
    return told
