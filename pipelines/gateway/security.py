"""What Envoy is told about who may ask, as values; `identity_filters` fills them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

# `about` are the reading routes of a model (its metadata, whether it is ready), `open` is what
# anybody may ask without naming a model: whether the gateway is up.
RouteKind = Literal["predict", "feedback", "debug", "about", "open"]
KINDS: tuple[RouteKind, ...] = ("predict", "feedback", "debug", "about", "open")

# Set by the filters from what was verified, and removed from whatever a client sends: everything
# that begins with OURS is. Requests of one subject stay with one version.
OURS = "x-evergreen-"
SUBJECT = "x-evergreen-subject"
TIER = "x-evergreen-tier"

PerRoute = Callable[[RouteKind, str | None], Mapping[str, Any]]


def _nothing(kind: RouteKind, model: str | None) -> Mapping[str, Any]:  # noqa: ARG001
    return {}


@dataclass(frozen=True)
class Security:
    """How the gateway tells who asks, and what they may.

    Attributes:
        filters: Envoy's HTTP filters (`name`, `typed_config`), in the order they run. They run
            after the headers of a client were cleaned, and before its body is read.
        clusters: that the filters ask, in Envoy's words.
        per_route: from a kind of route and its model (None for `open`) to
            `typed_per_filter_config`: the filter's name to its typed configuration.
        certificate, key: PEM files of the listener when `tls.mode` is `local`; they may be
            replaced, by renaming, while Envoy runs.
        is_on: whether anybody is refused at all.
        routes: of Envoy, for what is no model, as the endpoint that hands out tokens.
    """

    filters: tuple[Mapping[str, Any], ...] = ()
    clusters: tuple[Mapping[str, Any], ...] = ()
    per_route: PerRoute = _nothing
    certificate: Path | None = None
    key: Path | None = None
    is_on: bool = True
    routes: tuple[Mapping[str, Any], ...] = ()

    @staticmethod
    def off(certificate: Path | None = None, key: Path | None = None) -> Security:
        """Everybody may do everything; `prepare` refuses it anywhere but on loopback."""
        return Security(certificate=certificate, key=key, is_on=False)
