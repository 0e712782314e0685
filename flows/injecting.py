"""`evergreen inject`: a fault on purpose, for drills. It goes by itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from pipelines import settings
from pipelines.errors import SettingsError
from pipelines.gateway.table import Fault
from pipelines.paths import home
from pipelines.stack import applied, faults
from pipelines.stack.reconcile import reroute

MOST_MINUTES = 60.0


@dataclass(frozen=True)
class Asked:
    """A fault as it is asked for.

    Attributes:
        percent: of the requests.
        minutes: how long.
        version: as `v3`; None for every version.
        delay_ms: what a request waits.
        abort_status: what is answered instead.
    """

    percent: int
    minutes: float
    version: str | None
    delay_ms: int | None
    abort_status: int | None


def inject(root: Path, model: str, asked: Asked) -> Fault:
    """Plant a fault at the gateway.

    Raises:
        SettingsError: there is no such model or version behind the gateway, or nothing is asked.
        GatewayError: the gateway does not take it.
    """
    settings.load(root).model(model)
    if asked.delay_ms is None and asked.abort_status is None:
        raise SettingsError(
            "says neither to wait nor to fail",
            where="inject",
            next_step="give --delay 200ms, --abort 503, or both",
        )
    places, now = home(root), time.time()
    version = None if asked.version is None else f"{model}@{asked.version}"
    told = applied.read(places)
    served = [each for each in told.upstreams if each.startswith(f"{model}@")]
    if not served or (version is not None and version not in served):
        known = ", ".join(served) or "none of its versions"
        raise SettingsError(
            f"nothing is sent to {version or model}; behind the gateway: {known}",
            where="inject",
            next_step="look at `evergreen status`; `evergreen up` starts the stack",
        )
    expires = now + 60 * asked.minutes
    fault = Fault(asked.percent, expires, version, asked.delay_ms, asked.abort_status)
    faults.plant(places, model, fault, now)
    reroute(root)
    return fault


def clear(root: Path, model: str) -> None:
    """Take all faults of a model away.

    Raises:
        SettingsError: there is no such model.
        GatewayError: the gateway does not take it.
    """
    settings.load(root).model(model)
    faults.clear(home(root), model)
    reroute(root)
