"""From a table to Envoy's routes: whose request it is, who answers it, and what is logged of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.gateway import names
from pipelines.gateway.chains import Chain, chain_of, chosen
from pipelines.gateway.doors import (
    GRPC_SERVICE,
    Door,
    feedback_door,
    predicting,
    prediction_doors,
)
from pipelines.gateway.names import ARM, FALLBACK, MODEL_VERSION, SESSION
from pipelines.gateway.security import SUBJECT, RouteKind
from pipelines.gateway.table import ModelTable, Table

Route = dict[str, Any]
PerRoute = Callable[[RouteKind, str | None], Mapping[str, Any]]

_ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
_BY_STATUS = "5xx"
# Labels are stored, so that an answer that got lost must not store them twice.
_BEFORE_IT_ARRIVED = "connect-failure,refused-stream,reset-before-request,gateway-error"
# The codes that another version may answer better, and what happens before there is a code.
_BY_CODE = f"{_BY_STATUS},cancelled,deadline-exceeded,internal,unavailable"
_FREQUENCY = "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3."
_PREVIOUS_HOSTS = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3."


def routes(
    table: Table, generation: int, per_route: PerRoute, others: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """The one route configuration, as a list of resources.

    Args:
        generation: goes into every route, and so into every line of the access log.
        per_route: the filters' own settings, by kind of route and model.
        others: routes that belong to no model.
    """
    found: list[Route] = [dict(other) for other in others]
    for model in table.models:
        if model.fallback is not None:
            found.append(_fallback(model))
        found += _Model(model, generation, per_route).routes()
    found += _of_the_gateway(per_route)
    longest = max((len(json.dumps(dict(m.fallback or {}))) for m in table.models), default=0)
    return [
        {
            "@type": _ROUTES,
            "name": names.ROUTES,
            "validate_clusters": True,
            "max_direct_response_body_size_bytes": max(4096, 2 * longest),
            "virtual_hosts": [{"name": names.ROUTES, "domains": ["*"], "routes": found}],
        }
    ]


class _Model:
    """The routes of one model at one generation."""

    def __init__(self, model: ModelTable, generation: int, per_route: PerRoute) -> None:
        self._model = model
        self._generation = generation
        self._per_route = per_route

    def routes(self) -> list[Route]:
        """The more particular ones first: Envoy takes the first that matches."""
        found: list[Route] = []
        for door in prediction_doors(self._model.model):
            found += [self._asked_for(door, version) for version in self._model.upstreams]
            found += [self._unknown_version(door), self._predict(door), self._about(door)]
        return [*found, self._feedback()]

    def _asked_for(self, door: Door, version: str) -> Route:
        """For who wants this version and no other: nobody answers in its place."""
        bare = version.partition("@")[2]
        pattern = f"{re.escape(bare)}|{re.escape(version)}"
        header = {"name": MODEL_VERSION, "string_match": {"safe_regex": {"regex": pattern}}}
        action = {
            "cluster": names.servers(version, door.protocol),
            **self._times(door, self._model.timeout_seconds),
        }
        route = self._route("debug", _with_header(door.match, header), {"route": action})
        return {**route, "request_headers_to_add": [_header(ARM, version)]}

    def _unknown_version(self, door: Door) -> Route:
        known = ", ".join(sorted(self._model.upstreams))
        answer = {"status": 404, "body": {"inline_string": f"{MODEL_VERSION} is none of {known}"}}
        match = _with_header(door.match, {"name": MODEL_VERSION, "present_match": True})
        return self._route("debug", match, {"direct_response": answer})

    def _predict(self, door: Door) -> Route:
        model = self._model
        has_fallback = door.has_fallback and model.fallback is not None
        arms = [
            chain_of(model, version, door.protocol, has_fallback=has_fallback)
            for version in chosen(model)
        ]
        action: dict[str, Any] = {
            "weighted_clusters": {
                "clusters": [
                    {
                        "name": chain.name,
                        "weight": model.weights[chain.versions[0]],
                        "request_headers_to_add": [_header(ARM, chain.versions[0])],
                    }
                    for chain in arms
                ],
                "use_hash_policy": True,
            },
            "hash_policy": [{"header": {"header_name": name}} for name in (SUBJECT, SESSION)],
            **self._times(door, model.timeout_seconds),
            # The longest chain; a shorter one ends when nobody is left in it.
            "retry_policy": self._retries(max(arms, key=lambda chain: chain.retries)),
        }
        if model.mirror:
            cluster = names.shadow(model.mirror, door.protocol)
            action["request_mirror_policies"] = [{"cluster": cluster, "trace_sampled": False}]
        return self._route("predict", predicting(door), {"route": action})

    def _about(self, door: Door) -> Route:
        chain = chain_of(self._model, self._model.champion, door.protocol)
        return self._route("about", dict(door.match), {"route": self._champion(door, chain)})

    def _feedback(self) -> Route:
        door = feedback_door(self._model.model)
        chain = chain_of(self._model, self._model.champion, door.protocol)
        action = self._champion(door, chain)
        action["retry_policy"]["retry_on"] = _BEFORE_IT_ARRIVED
        return self._route("feedback", dict(door.match), {"route": action})

    def _champion(self, door: Door, chain: Chain) -> dict[str, Any]:
        return {
            "cluster": chain.name,
            **self._times(door, self._model.timeout_seconds),
            "retry_policy": self._retries(chain),
        }

    def _times(self, door: Door, seconds: float) -> dict[str, Any]:
        times = {"timeout": _seconds(seconds), "idle_timeout": _seconds(seconds + 5)}
        return times if door.rewrite is None else {**times, "prefix_rewrite": door.rewrite}

    def _retries(self, chain: Chain) -> dict[str, Any]:
        return {
            "retry_on": _BY_CODE if chain.protocol == "grpc" else _BY_STATUS,
            "num_retries": chain.retries,
            "per_try_timeout": _seconds(chain.seconds_each(self._model.timeout_seconds)),
            "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.010s"},
            "retry_priority": {
                "name": "envoy.retry_priorities.previous_priorities",
                "typed_config": {
                    "@type": f"{_FREQUENCY}PreviousPrioritiesConfig",
                    "update_frequency": chain.tries_each,
                },
            },
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {"@type": f"{_PREVIOUS_HOSTS}PreviousHostsPredicate"},
                }
            ],
            "host_selection_retry_max_attempts": 10,
        }

    def _route(self, kind: RouteKind, match: Mapping[str, Any], action: Mapping[str, Any]) -> Route:
        model = self._model
        # As the route has it, so that the access log can tell which tries ran out of time.
        retries = action.get("route", {}).get("retry_policy", {})
        try_seconds = float(retries.get("per_try_timeout", _seconds(model.timeout_seconds))[:-1])
        told = {
            "model": model.model,
            "kind": kind,
            "generation": self._generation,
            "weights": dict(model.weights),
            "mirror": model.mirror,
            "try_ms": 1000 * try_seconds,
        }
        return {
            "match": dict(match),
            "metadata": {"filter_metadata": {names.METADATA: told}},
            "typed_per_filter_config": dict(self._per_route(kind, model.model)),
            **action,
        }


def _fallback(model: ModelTable) -> Route:
    """What the end of a chain answers; the header is one that no client can send."""
    text = json.dumps(dict(model.fallback or {}), allow_nan=False)
    arm = {"name": ARM, "string_match": {"prefix": f"{model.model}@"}}
    told = [_header(FALLBACK, "true"), _header("content-type", "application/json")]
    return {
        "match": {"path": "/predict", "headers": [arm]},
        "direct_response": {"status": 200, "body": {"inline_string": text}},
        "response_headers_to_add": told,
    }


def _of_the_gateway(per_route: PerRoute) -> list[Route]:
    """What is answered without a model, last of all."""
    without_model = f"name a model in the metadata x-model for {GRPC_SERVICE.strip('/')}"
    answers: list[tuple[Mapping[str, Any], int, str]] = [
        ({"path": "/healthz"}, 200, "ok\n"),
        ({"path": "/v2/health/live"}, 200, '{"live":true}'),
        ({"prefix": GRPC_SERVICE}, 404, without_model),
        ({"prefix": "/"}, 404, "nothing is served under this path"),
    ]
    return [
        {
            "match": dict(match),
            "typed_per_filter_config": dict(per_route("open", None)),
            "direct_response": {"status": status, "body": {"inline_string": text}},
        }
        for match, status, text in answers
    ]


def _with_header(match: Mapping[str, Any], header: Mapping[str, Any]) -> dict[str, Any]:
    return {**match, "headers": [*match.get("headers", ()), header]}


def _header(name: str, value: str) -> dict[str, Any]:
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}s"
