"""From a table to the routes of the Gateway API. Pure.

A gateway orders all rules by how particular they are, wherever they stand: an exact path before a
prefix, a longer prefix before a shorter one, then those that name a method, then those with more
headers. Every rule here relies on that, and on nothing of one implementation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.gateway.doors import GRPC_SERVICE
from pipelines.gateway.table import ModelTable
from pipelines.kubernetes import names
from pipelines.kubernetes.kinds import GRPC_ROUTE, HTTP_ROUTE, Kind, Object
from pipelines.settings.kubernetes import KubernetesSettings

Rule = dict[str, Any]

# What servers believe, and a client may not say: that a request is a copy.
_OURS = ("x-evergreen-shadow",)


@dataclass(frozen=True)
class Marks:
    """Which decision a route follows from, for people who look at it.

    Attributes:
        rollout: the id of the open one, or None.
        generation: of its routing, or None.
    """

    rollout: str | None = None
    generation: int | None = None


def routes(model: ModelTable, settings: KubernetesSettings, marks: Marks) -> list[Object]:
    """All routes of a model.

    Args:
        model: its row of the table. The host of an endpoint is the name of a Service.
        settings: where they attach.
        marks: what they follow from.
    """
    found = [_http(model, settings, marks)]
    if settings.grpc_hostname is not None:
        found.append(_grpc(model, settings, marks))
    if settings.overrides:
        found.append(_overrides(model, settings, marks))
    return found


def _http(model: ModelTable, settings: KubernetesSettings, marks: Marks) -> Object:
    asked = [
        _rule([_post(path)], [*_rewrite(path, to), *_mirror(model)], _weighted(model), model)
        for path, to in _doors(model.model)
    ]
    # Less particular than those above, for they name no method: what asks about the model.
    about = [
        _rule([{"path": path}], _rewrite(path, to), _only(model, model.champion), model)
        for path, to in _doors(model.model)
        if path["type"] == "PathPrefix"
    ]
    path = {"type": "Exact", "value": f"/{model.model}/feedback"}
    feedback = _rule(
        [_post(path)], _rewrite(path, "/feedback"), _only(model, model.champion), model
    )
    metadata = _metadata(names.of_route(model.model), model, marks)
    return _route(HTTP_ROUTE, metadata, settings, settings.hostname, [*asked, *about, feedback])


def _overrides(model: ModelTable, settings: KubernetesSettings, marks: Marks) -> Object:
    """An object of its own, so that a gateway's policy can guard it alone."""
    rules = [
        # A method comes before headers in a gateway's order, so it must be named here too.
        _rule(
            [{**_post(path), "headers": [_header(names.VERSION_HEADER, name)]} for name in told],
            _rewrite(path, to),
            _only(model, version),
            model,
        )
        for version in model.upstreams
        for path, to in _doors(model.model)
        for told in _spelt(version, path, to)
    ]
    metadata = _metadata(names.of_overrides(model.model), model, marks)
    return _route(HTTP_ROUTE, metadata, settings, settings.hostname, rules)


def _spelt(version: str, path: Mapping[str, str], to: str | None) -> list[tuple[str, ...]]:
    """`v3` and `flights@v3`: in one rule, unless that replaces a prefix, which allows one match."""
    both = (version.partition("@")[2], version)
    is_alone = path["type"] == "PathPrefix" and to is not None
    return [(name,) for name in both] if is_alone else [both]


def _grpc(model: ModelTable, settings: KubernetesSettings, marks: Marks) -> Object:
    service = GRPC_SERVICE.strip("/")
    named = [_header(names.MODEL_HEADER, model.model)]

    def rule(method: Mapping[str, str], more: list[Object], backends: list[Object]) -> Rule:
        match = {"method": {"type": "Exact", "service": service, **method}, "headers": named}
        return {"matches": [match], "filters": [_hygiene(), *more], "backendRefs": backends}

    rules = [
        rule(
            {"method": "ModelInfer"}, _mirror(model, is_grpc=True), _weighted(model, is_grpc=True)
        ),
        rule({}, [], _only(model, model.champion, is_grpc=True)),
    ]
    metadata = _metadata(names.of_route(model.model), model, marks)
    return _route(GRPC_ROUTE, metadata, settings, settings.grpc_hostname, rules)


def _route(
    kind: Kind,
    metadata: Object,
    settings: KubernetesSettings,
    host: str | None,
    rules: list[Rule],
) -> Object:
    spec: Object = {"parentRefs": [_parent(settings)], "rules": rules}
    if host is not None:
        spec["hostnames"] = [host]
    return {"apiVersion": kind.api, "kind": kind.name, "metadata": metadata, "spec": spec}


def _parent(settings: KubernetesSettings) -> Object:
    namespace, _, name = settings.gateway.rpartition("/")
    found = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name}
    return {**found, "namespace": namespace} if namespace else found


def _metadata(name: str, model: ModelTable, marks: Marks) -> Object:
    annotations = {names.CHAMPION: model.champion}
    if marks.rollout is not None:
        annotations |= {names.ROLLOUT: marks.rollout, names.GENERATION: str(marks.generation)}
    return {
        "name": name,
        "labels": {
            "app.kubernetes.io/name": names.of_route(model.model),
            "app.kubernetes.io/component": "route",
            "app.kubernetes.io/part-of": "evergreen",
            "app.kubernetes.io/managed-by": "evergreen",
            names.CONTROLLED: "true",
        },
        "annotations": annotations,
    }


def _doors(model: str) -> list[tuple[dict[str, str], str | None]]:
    """The paths of the local gateway, and what a server is asked in their place."""
    return [
        ({"type": "Exact", "value": f"/{model}/predict"}, "/predict"),
        ({"type": "PathPrefix", "value": f"/{model}/v2"}, "/v2"),
        ({"type": "PathPrefix", "value": f"/v2/models/{model}"}, None),
    ]


def _rule(
    matches: list[Object], filters: list[Object], backends: list[Object], model: ModelTable
) -> Rule:
    return {
        "matches": matches,
        "filters": [_hygiene(), *filters],
        "backendRefs": backends,
        "timeouts": {"request": _duration(model.timeout_seconds)},
    }


def _duration(seconds: float) -> str:
    """The API takes no fractions, and at most five digits of each unit."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole}s{milliseconds}ms" if milliseconds else f"{whole}s"


def _post(path: Mapping[str, str]) -> Object:
    return {"path": dict(path), "method": "POST"}


def _header(name: str, value: str) -> Object:
    return {"type": "Exact", "name": name, "value": value}


def _hygiene() -> Object:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": list(_OURS)}}


def _rewrite(path: Mapping[str, str], to: str | None) -> list[Object]:
    if to is None:
        return []
    if path["type"] == "Exact":
        change = {"type": "ReplaceFullPath", "replaceFullPath": to}
    else:
        change = {"type": "ReplacePrefixMatch", "replacePrefixMatch": to}
    return [{"type": "URLRewrite", "urlRewrite": {"path": change}}]


def _mirror(model: ModelTable, *, is_grpc: bool = False) -> list[Object]:
    if model.mirror is None:
        return []
    to = _backend(model, model.mirror, is_grpc=is_grpc)
    return [{"type": "RequestMirror", "requestMirror": {"backendRef": to}}]


def _weighted(model: ModelTable, *, is_grpc: bool = False) -> list[Object]:
    """Every version that runs, those without a request as well: a gateway keeps them warm."""
    return [
        {**_backend(model, version, is_grpc=is_grpc), "weight": model.weights.get(version, 0)}
        for version in model.upstreams
    ]


def _only(model: ModelTable, version: str, *, is_grpc: bool = False) -> list[Object]:
    return [{**_backend(model, version, is_grpc=is_grpc), "weight": 100}]


def _backend(model: ModelTable, version: str, *, is_grpc: bool) -> Object:
    # A Service stands before all pods of a version, so there is one endpoint.
    [service] = model.upstreams[version]
    port = service.grpc_port if is_grpc else service.port
    return {"group": "", "kind": "Service", "name": service.host, "port": port}
