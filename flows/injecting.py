"""`evergreen inject`: a fault on purpose, for drills. It goes by itself."""

from __future__ import annotations

import getpass
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from flows import identity
from pipelines import settings
from pipelines.errors import IdentityError, SettingsError
from pipelines.gateway.table import Fault
from pipelines.identity.scopes import ADMIN
from pipelines.paths import HomePaths, home
from pipelines.settings import Settings
from pipelines.stack import applied, faults, secured
from pipelines.stack.reconcile import reroute
from pipelines.state import faults as planted_ever
from pipelines.state import store

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


def inject(root: Path, model: str, asked: Asked, client: str | None = None) -> Fault:
    """Plant a fault at the gateway, and write down who did.

    Args:
        root: the project.
        model: its name in params.yaml.
        asked: the fault.
        client: who plants it; has to have the scope `admin` unless identity is off.

    Raises:
        SettingsError: there is no such model or version behind the gateway, or nothing is asked.
        IdentityError: nobody is named, or somebody who may not.
        GatewayError: the gateway does not take it.
    """
    configured = settings.load(root)
    configured.model(model)
    who = _who(root, configured, client)
    if asked.delay_ms is None and asked.abort_status is None:
        raise SettingsError(
            "says neither to wait nor to fail",
            where="inject",
            next_step="give --delay 200ms, --abort 503, or both",
        )
    places, now = home(root), time.time()
    version = None if asked.version is None else f"{model}@{asked.version}"
    _require_gateway(configured)
    _require_served(places, model, version)
    expires = now + 60 * asked.minutes
    fault = Fault(asked.percent, expires, version, asked.delay_ms, asked.abort_status, who)
    # Written first: a fault that nobody can account for is worse than a line about none.
    row = {**asdict(fault), "what": fault.what}
    planted_ever.record(store.connect(places.database), model, who, row)
    faults.plant(places, model, fault, now)
    reroute(root)
    return fault


def clear(root: Path, model: str, client: str | None = None) -> None:
    """Take all faults of a model away; asks for the same scope as planting one.

    Raises:
        SettingsError: there is no such model.
        IdentityError: nobody is named, or somebody who may not.
        GatewayError: the gateway does not take it.
    """
    configured, places = settings.load(root), home(root)
    configured.model(model)
    who = _who(root, configured, client)
    planted_ever.record(store.connect(places.database), model, who, None)
    faults.clear(places, model)
    reroute(root)


def _require_gateway(configured: Settings) -> None:
    if configured.gateway.router == "kubernetes":
        raise SettingsError(
            "the requests go through a cluster's gateway, which plants no faults of ours",
            where="params.yaml: gateway.router",
            next_step="use what that gateway has for it, or `evergreen drill`",
        )


def _require_served(places: HomePaths, model: str, version: str | None) -> None:
    told = applied.read(places)
    served = [each for each in told.upstreams if each.startswith(f"{model}@")]
    if not served or (version is not None and version not in served):
        known = ", ".join(served) or "none of its versions"
        raise SettingsError(
            f"nothing is sent to {version or model}; behind the gateway: {known}",
            where="inject",
            next_step="look at `evergreen status`; `evergreen up` starts the stack",
        )


def _who(root: Path, configured: Settings, client: str | None) -> str:
    """Who plants, in words; it is asked for a token of theirs, as a request would need one."""
    person = getpass.getuser()
    if configured.identity.mode == "off":
        return person if client is None else f"{client} ({person})"
    if not secured.has_endpoint(configured):
        raise IdentityError(
            f"tokens are of a provider, so nobody here can tell who has the scope {ADMIN}",
            where="inject",
            next_step="plant faults where identity.jwks_url is not set, as `evergreen drill` does",
        )
    if client is None:
        raise IdentityError(
            "nobody is named who plants it",
            where="inject",
            next_step=f"name a client with the scope {ADMIN} by --client; `evergreen client add "
            f"NAME --scope {ADMIN}` makes one",
        )
    identity.issue(root, client, ADMIN)
    return f"{client} ({person})"
