"""The gateway: Envoy's files, rendered from a table and swapped while it runs.

Belongs here: what Envoy is told (listener, filters, routes, clusters), how it takes a change, and
reading what it wrote. The table says everything, so the same table always gives the same files.
Does not belong here: which version should have which weight (that is `rollout/`), starting Envoy or
model servers (`fleet/`), and the state store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.gateway.access_log import SETTLED_SECONDS, Access, read_access_log
    from pipelines.gateway.applying import apply
    from pipelines.gateway.draining import drain
    from pipelines.gateway.preparing import prepare
    from pipelines.gateway.security import Security
    from pipelines.gateway.table import Endpoint, Fault, ModelTable, Table

__all__ = [
    "SETTLED_SECONDS",
    "Access",
    "Endpoint",
    "Fault",
    "ModelTable",
    "Security",
    "Table",
    "apply",
    "drain",
    "prepare",
    "read_access_log",
]
_WHERE = {
    "SETTLED_SECONDS": "access_log",
    "Access": "access_log",
    "Endpoint": "table",
    "Fault": "table",
    "ModelTable": "table",
    "Security": "security",
    "Table": "table",
    "apply": "applying",
    "drain": "draining",
    "prepare": "preparing",
    "read_access_log": "access_log",
}


def __getattr__(name: str) -> Any:
    # `gateway.start` stands between a crash of Envoy and its next answer, and needs none of the
    # settings, templates and clients that the rest brings along.
    from importlib import import_module

    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
