"""What `prepare` decided and `apply` needs, kept beside Envoy's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines import files
from pipelines.errors import GatewayError
from pipelines.gateway import clusters, faults, routes
from pipelines.gateway.dynamic import Discovery
from pipelines.gateway.names import CLUSTERS_FILE, FAULTS_FILE, PREPARED_FILE, ROUTES_FILE
from pipelines.gateway.security import KINDS, RouteKind, Security
from pipelines.gateway.table import Table


@dataclass(frozen=True)
class Prepared:
    """The part of the settings that routes and clusters depend on.

    Attributes:
        bootstrap: Envoy's static configuration, parsed.
        max_requests: at once, to one version.
        buffer_bytes: how much of a request may wait in the gateway.
        sockets: a pattern for those of the listeners that plant faults.
        open_route: the filters' settings for routes without a model.
        per_route: by model and kind of route, the filters' settings.
        others: routes that belong to no model.
    """

    bootstrap: Mapping[str, Any]
    max_requests: int
    buffer_bytes: int
    sockets: str
    open_route: Mapping[str, Any]
    per_route: Mapping[str, Mapping[str, Mapping[str, Any]]]
    others: list[Any]

    @property
    def rules(self) -> tuple[Any, ...]:
        """What routes say about who may ask."""
        return self.open_route, self.per_route, self.others

    def write(self, folder: Path) -> None:
        """Keep it in the folder."""
        files.write_json(asdict(self), folder / PREPARED_FILE)

    def render(self, table: Table, generation: int, now: float) -> dict[str, Discovery]:
        """The dynamic files; the same values always give the same bytes.

        Raises:
            GatewayError: the table has a model that came after `prepare`.
        """
        for model in table.models:
            if model.model not in self.per_route:
                raise GatewayError(
                    f"nothing says who may ask {model.model!r}",
                    where="the gateway's table",
                    next_step="run `evergreen up`, which reads params.yaml again",
                )
        of_clusters = clusters.clusters(table, now, self.max_requests, self.sockets)
        of_faults = faults.listeners(table, now, self.sockets, self.buffer_bytes)
        of_routes = routes.routes(table, generation, self._configured, self.others)
        return {
            CLUSTERS_FILE: Discovery(generation, of_clusters),
            FAULTS_FILE: Discovery(generation, of_faults),
            ROUTES_FILE: Discovery(generation, of_routes),
        }

    def _configured(self, kind: RouteKind, model: str | None) -> Mapping[str, Any]:
        return self.open_route if model is None else self.per_route[model][kind]


def per_route(security: Security, models: list[str]) -> dict[str, dict[str, Any]]:
    """The filters' settings of every kind of route of every model."""
    return {
        model: {kind: dict(security.per_route(kind, model)) for kind in KINDS if kind != "open"}
        for model in sorted(models)
    }


def read(folder: Path) -> Prepared:
    """What the last `prepare` in this folder decided.

    Raises:
        GatewayError: there was none, or its file was damaged.
    """
    path = folder / PREPARED_FILE
    try:
        return Prepared(**files.read_json(path))
    except (OSError, ValueError, TypeError) as error:
        raise GatewayError(
            f"the gateway is not prepared: {error}",
            where=str(path),
            next_step="run `evergreen up`",
        ) from error
