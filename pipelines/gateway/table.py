"""Everything the gateway has to know, as values; nothing else decides what Envoy is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Endpoint:
    """One model server, whose two doors have a port each."""

    host: str
    port: int
    grpc_port: int


@dataclass(frozen=True)
class Fault:
    """A planted fault, for drills.

    Attributes:
        percent: of the requests that reach `version`, 1 to 100.
        expires: unix seconds; the fault is left out from then on.
        version: whom it concerns; None for every version of the model.
        delay_ms: what is waited before the request goes on, or None.
        abort_status: the HTTP status that is answered instead, or None.
        who: planted it; Envoy is not told.
    """

    percent: int
    expires: float
    version: str | None = None
    delay_ms: int | None = None
    abort_status: int | None = None
    who: str = ""

    @property
    def what(self) -> str:
        """What becomes of a request, in words."""
        parts = [f"wait {self.delay_ms} ms"] if self.delay_ms else []
        parts += [f"fail with {self.abort_status}"] if self.abort_status else []
        return " and ".join(parts)


@dataclass(frozen=True)
class ModelTable:
    """One model behind the gateway.

    Attributes:
        model: its name, which is its path and the `x-model` metadata of gRPC.
        champion: the version that is live, as `flights@v3`.
        weights: percent of the requests by version; they sum to 100.
        upstreams: where each version listens; all of `weights`, `mirror`, `previous`, and
            whatever else is warm and may be asked for by `x-model-version`.
        mirror: the version that answers copies of all requests, unseen, or None.
        previous: the version that answers when the champion cannot, or None.
        fallback: the JSON that is answered when no version can, or None for a 503.
        faults: those that are planted now.
        timeout_seconds: the most a request may take, retries included.
    """

    model: str
    champion: str
    weights: Mapping[str, int]
    upstreams: Mapping[str, tuple[Endpoint, ...]]
    mirror: str | None = None
    previous: str | None = None
    fallback: Mapping[str, Any] | None = None
    faults: tuple[Fault, ...] = ()
    timeout_seconds: float = 15.0


@dataclass(frozen=True)
class Table:
    """All models behind the gateway."""

    models: tuple[ModelTable, ...] = field(default_factory=tuple)
