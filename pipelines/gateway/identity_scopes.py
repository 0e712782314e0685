"""Scopes as Envoy's RBAC: which token opens which kind of route."""

from __future__ import annotations

from typing import Any

from pipelines.gateway.security import RouteKind

SCOPE_FILTER = "envoy.filters.http.rbac"
# Where the JWT filter leaves what it has verified.
JWT_METADATA = "envoy.filters.http.jwt_authn"
CLAIMS = "claims"
HEADER = "header"
_RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"


def closed_filter() -> dict[str, Any]:
    """The filter, which refuses every request whose route says nothing."""
    return {"name": SCOPE_FILTER, "typed_config": {"@type": _RBAC, "rules": _allow({})}}


def required(kind: RouteKind, model: str | None, is_ours: bool) -> dict[str, Any]:
    """For a route of this kind: every one of its demands has to be met.

    Args:
        kind: of the route.
        model: whose it is.
        is_ours: whether tokens are of our endpoint, which says on each that it is for access: an
            ID token by the same key is none.
    """
    demands = [_any_scope(*scopes) for scopes in _demands(kind, model)]
    # Nobody in particular could not be counted, nor kept to one version.
    demands.append(_claims([CLAIMS, "sub"], {"string_match": {"safe_regex": {"regex": ".+"}}}))
    if is_ours:
        demands.append(_is([HEADER, "typ"], "at+jwt"))
    policy = {"permissions": [{"any": True}], "principals": [{"and_ids": {"ids": demands}}]}
    return {"@type": f"{_RBAC}PerRoute", "rbac": {"rules": _allow({kind: policy})}}


def _demands(kind: RouteKind, model: str | None) -> list[tuple[str, ...]]:
    """Each demand as the scopes of which one is enough.

    The words are those of `pipelines.identity.scopes`; a test holds the two together.
    """
    predict = ("predict:*",) if model is None else (f"predict:{model}", "predict:*")
    if kind == "feedback":
        return [("feedback",)]
    if kind == "debug":
        return [predict, ("debug",)]
    return [predict]


def _any_scope(*scopes: str) -> dict[str, Any]:
    held = [
        _claims([CLAIMS, "scope"], {"list_match": {"one_of": {"string_match": {"exact": scope}}}})
        for scope in scopes
    ]
    return {"or_ids": {"ids": held}}


def _is(path: list[str], value: str) -> dict[str, Any]:
    return _claims(path, {"string_match": {"exact": value}})


def _claims(path: list[str], value: dict[str, Any]) -> dict[str, Any]:
    matcher = {"filter": JWT_METADATA, "path": [{"key": key} for key in path], "value": value}
    return {"sourced_metadata": {"metadata_matcher": matcher, "metadata_source": "DYNAMIC"}}


def _allow(policies: dict[str, Any]) -> dict[str, Any]:
    return {"action": "ALLOW", "policies": policies}
