"""What the gateway is told, from what should be and from who answers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.gateway.table import Endpoint, Fault, ModelTable, Table
from pipelines.rollout.routing import FULL
from pipelines.settings import Settings
from pipelines.stack.desired import Wanted

Endpoints = tuple[Endpoint, ...]


@dataclass(frozen=True)
class Seen:
    """What is known of the servers.

    Attributes:
        listening: by version, where its servers are (or will be, while they start).
        routed: by version, where the gateway sends requests now.
        ready: those that answer.
        asked: by model, the version that is asked now when nobody else is chosen.
        unready: of those that do not answer as they should, why not.
    """

    listening: Mapping[str, Endpoints]
    routed: Mapping[str, Endpoints]
    ready: Collection[Endpoint]
    asked: Mapping[str, str] = field(default_factory=dict)
    unready: Mapping[Endpoint, str] = field(default_factory=dict)

    def answers(self, version: str) -> bool:
        """Whether at least one server of a version is ready."""
        return any(each in self.ready for each in self.listening.get(version, ()))


def routable(version: str, seen: Seen, *, is_champion: bool) -> Endpoints:
    """Where requests for a version may go; nowhere, if it never answered.

    What is routed already stays so while it is down for a moment: the gateway watches its health
    and sends its requests elsewhere meanwhile. Servers that a killed Supervisor left behind keep
    their requests until those that replace them are ready.
    """
    here, before = seen.listening.get(version, ()), seen.routed.get(version, ())
    if any(each in seen.ready for each in here):
        return here
    if any(each in seen.ready for each in before):
        return before
    return here if is_champion or set(before) & set(here) else ()


def table(
    models: Iterable[Wanted],
    seen: Seen,
    settings: Settings,
    faults: Mapping[str, tuple[Fault, ...]],
) -> Table:
    """What the gateway is to be told.

    Args:
        models: what should be.
        seen: what is.
        settings: of the gateway, and of the fleet of each model.
        faults: those that are planted, by model.
    """
    rows = (_row(each, seen, settings, faults.get(each.model, ())) for each in models)
    return Table(tuple(row for row in rows if row is not None))


def _row(
    model: Wanted, seen: Seen, settings: Settings, faults: tuple[Fault, ...]
) -> ModelTable | None:
    where = {
        version: endpoints
        for version in model.versions
        if (endpoints := routable(version, seen, is_champion=version == model.champion))
    }
    if (standing := _stand_in(model, seen)) is not None:
        # Its servers are being started: nobody is turned away meanwhile.
        where = {**where, standing: seen.routed[standing]}
        where.pop(model.champion, None)
    # Without a bento of the champion here, the version before it is the best there is.
    best = (model.champion, standing, model.previous)
    first = next((each for each in best if each in where), None)
    if first is None:
        return None
    weights = {version: percent for version, percent in model.weights.items() if percent}
    is_whole = weights.keys() <= where.keys()
    return ModelTable(
        model=model.model,
        champion=first,
        weights=weights if is_whole else {first: FULL},
        upstreams=where,
        mirror=model.mirror if model.mirror in where and is_whole else None,
        previous=model.previous if model.previous in where and model.previous != first else None,
        fallback=settings.fleet(model.model).fallback,
        faults=tuple(fault for fault in faults if fault.version is None or fault.version in where),
        timeout_seconds=settings.gateway.timeout_seconds,
    )


def _stand_in(model: Wanted, seen: Seen) -> str | None:
    """Who is asked until the champion has answered for the first time; None if it has.

    A person may return to a version whose servers were ended long ago. Until they are ready, the
    version that is turned away from goes on: a doubtful answer is better than none.
    """
    known = set(seen.listening.get(model.champion, ())) | set(seen.ready)
    is_known = any(each in known for each in seen.routed.get(model.champion, ()))
    if seen.answers(model.champion) or is_known:
        return None
    asked = seen.asked.get(model.model)
    if asked is None or asked == model.champion:
        return None
    is_there = any(each in seen.ready for each in seen.routed.get(asked, ()))
    return asked if is_there else None
