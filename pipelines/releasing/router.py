"""What applies a state to the world: the local stack here, Kubernetes elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Applied:
    """What is true after the state was applied.

    Attributes:
        ready: the versions that answer, and that the gateway knows.
        problems: of those that do not, why not.
    """

    ready: frozenset[str]
    problems: Mapping[str, str] = field(default_factory=dict)


class Router(Protocol):
    """Brings processes and routes in line with the state store, which it reads by itself.

    It is told nothing but "now": two callers that come in the wrong order still apply what was
    written last.
    """

    def reconcile(self) -> Applied:
        """Start what should run, apply the routes, stop what nobody needs; may be slow.

        Raises:
            EvergreenError: the routes could not be applied.
        """

    def reroute(self) -> None:
        """Apply the routes to what runs already; well under a second.

        Raises:
            EvergreenError: they could not be applied.
        """
