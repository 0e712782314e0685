"""Rows of a table, and what is read of the routes that are made from them."""

from __future__ import annotations

from typing import Any

from pipelines.gateway.table import ModelTable
from pipelines.kubernetes.seeing import endpoints
from pipelines.settings.kubernetes import KubernetesSettings

V1, V2, V3 = "flights@v1", "flights@v2", "flights@v3"
SETTINGS = KubernetesSettings(
    gateway="infra/public",
    hostname="models.example.org",
    grpc_hostname="grpc.models.example.org",
    overrides=True,
)


def table(weights: dict[str, int] | None = None, **changes: Any) -> ModelTable:
    """flights with v3 live, v2 before it, and v1 on its way."""
    known: dict[str, Any] = {
        "model": "flights",
        "champion": V3,
        "weights": weights or {V3: 100},
        "upstreams": {version: endpoints(version) for version in (V3, V1, V2)},
        "previous": V2,
    }
    return ModelTable(**{**known, **changes})


def chosen(routes: list[dict[str, Any]], path: str, method: str = "POST", **headers: str) -> Any:
    """The rule that a gateway chooses for a request, by the order that the Gateway API demands."""
    found = []
    for route in routes:
        if route["kind"] != "HTTPRoute":
            continue
        for rule in route["spec"]["rules"]:
            ranks = [rank for m in rule["matches"] if (rank := _rank(m, path, method, headers))]
            if ranks:
                found.append((max(ranks), rule))
    return max(found, key=lambda each: each[0])[1] if found else None


def _rank(
    match: dict[str, Any], path: str, method: str, headers: dict[str, str]
) -> tuple[bool, int, bool, int] | None:
    """How particular a match is: exact path, length of the prefix, method, number of headers."""
    told = match["path"]
    is_exact = told["type"] == "Exact"
    fits = path == told["value"] if is_exact else f"{path}/".startswith(f"{told['value']}/")
    asked = match.get("headers", [])
    known = {name.replace("_", "-"): value for name, value in headers.items()}
    fits = fits and match.get("method", method) == method
    fits = fits and all(known.get(each["name"]) == each["value"] for each in asked)
    return (is_exact, len(told["value"]), "method" in match, len(asked)) if fits else None


def weights_of(rule: Any) -> dict[str, int]:
    """By Service, percent of the requests that a rule sends."""
    return {each["name"]: each["weight"] for each in rule["backendRefs"]}


def mirror_of(rule: Any) -> list[str]:
    """The Services that get copies of a rule's requests."""
    told = [each.get("requestMirror") for each in rule["filters"]]
    return [each["backendRef"]["name"] for each in told if each]


def asked_of_server(rule: Any, path: str) -> str:
    """The path that a server is asked, by the rewrite of a rule."""
    for each in rule["filters"]:
        change = each.get("urlRewrite", {}).get("path")
        if change and change["type"] == "ReplaceFullPath":
            return str(change["replaceFullPath"])
        if change:
            prefix = rule["matches"][0]["path"]["value"]
            return f"{change['replacePrefixMatch'].rstrip('/')}{path.removeprefix(prefix)}"
    return path
