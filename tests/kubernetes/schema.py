"""What a real API would refuse: the schemas of Kubernetes and of the Gateway API, strictly."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate

SCHEMAS = Path(__file__).parent / "schemas" / "gateway-api-v1.json"
_DURATION = re.compile(r"(\d+)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


def problems(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with an object as somebody wrote it: each field with what is said of it."""
    wrong = list(_metadata(found))
    if found["apiVersion"].startswith("gateway.networking.k8s.io/"):
        return wrong + _gateway(json.dumps(found, sort_keys=True))
    return wrong + _core(json.dumps(found, sort_keys=True))


@cache
def _core(text: str) -> list[tuple[str, str]]:
    try:
        kubernetes_validate.validate(
            json.loads(text), kubernetes_validate.latest_version(), strict=True
        )
    except kubernetes_validate.ValidationError as error:
        return [(".".join(str(part) for part in error.path), error.message)]
    return []


@cache
def _gateway(text: str) -> list[tuple[str, str]]:
    found = json.loads(text)
    wrong = [
        (".".join(str(part) for part in error.absolute_path), error.message)
        for error in _validator(found["kind"]).iter_errors(found)
    ]
    return wrong or list(_rules(found))


@cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    schema = copy.deepcopy(json.loads(SCHEMAS.read_text(encoding="utf-8"))[kind])
    _close(schema)
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(schema)


def _close(schema: Any) -> None:
    """An unknown field is an error, as with `fieldValidation=Strict`."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for each in schema.values():
            _close(each)


def _metadata(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    metadata = found["metadata"]
    if not _NAME.fullmatch(metadata["name"]):
        yield "metadata.name", "is no DNS subdomain"
    if found["kind"] == "Service" and "." in metadata["name"]:
        yield "metadata.name", "is no DNS label"
    for key, value in (metadata.get("labels") or {}).items():
        if not (_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value)):
            yield f"metadata.labels.{key}", f"{value!r} is no label"
    for key, value in (metadata.get("annotations") or {}).items():
        if not (_KEY.fullmatch(key) and isinstance(value, str)):
            yield f"metadata.annotations.{key}", f"{value!r} is no annotation"


def _rules(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The rules that the CustomResourceDefinitions say in CEL."""
    rules = found["spec"].get("rules") or []
    if sum(len(rule.get("matches") or [1]) for rule in rules) > 128:
        yield "spec.rules", "while 16 rules and 64 matches per rule are allowed, the total is 128"
    for number, rule in enumerate(rules):
        for field, message in _rule(rule):
            yield f"spec.rules.{number}.{field}", message


def _rule(rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    filters = rule.get("filters") or []
    kinds = [each["type"] for each in filters]
    for kind in set(kinds):
        if kind != "RequestMirror" and kinds.count(kind) > 1:
            yield "filters", f"{kind} filter cannot be repeated"
    if {"URLRewrite", "RequestRedirect"} <= set(kinds):
        yield "filters", "may specify either a redirect or a rewrite, but not both"
    for each in filters:
        field = each["type"][0].lower() + each["type"][1:]
        field = {"uRLRewrite": "urlRewrite"}.get(field, field)
        if set(each) != {"type", field}:
            yield (
                "filters",
                f"{field} must be set, and nothing else, for filter type {each['type']}",
            )
        if each["type"] == "URLRewrite":
            yield from _rewrite(each["urlRewrite"].get("path"), rule.get("matches") or [])
    for match in rule.get("matches") or []:
        yield from _path(match.get("path"))
    times = rule.get("timeouts") or {}
    if _seconds(times.get("backendRequest")) > _seconds(times.get("request")) > 0:
        yield "timeouts", "backendRequest timeout cannot be longer than request timeout"
    for backend in rule.get("backendRefs") or []:
        if backend.get("kind", "Service") == "Service" and "port" not in backend:
            yield "backendRefs", "Must have port for Service reference"


def _rewrite(path: dict[str, Any] | None, matches: list[Any]) -> Iterator[tuple[str, str]]:
    if path is None:
        return
    field = path["type"][0].lower() + path["type"][1:]
    if set(path) != {"type", field}:
        yield "filters.urlRewrite.path", f"{field} must be set, and nothing else"
    prefixes = [m for m in matches if m.get("path", {}).get("type") == "PathPrefix"]
    if path["type"] == "ReplacePrefixMatch" and not (len(matches) == len(prefixes) == 1):
        yield (
            "filters",
            "When using path.replacePrefixMatch, exactly one PathPrefix match is needed",
        )


def _path(path: dict[str, str] | None) -> Iterator[tuple[str, str]]:
    if path is None or path["type"] == "RegularExpression":
        return
    value = path["value"]
    if not value.startswith("/"):
        yield "matches.path.value", "must be an absolute path and start with '/'"
    if any(part in value for part in ("//", "/./", "/../", "%2f", "%2F", "#")):
        yield "matches.path.value", "must not contain a part like // or /../"
    if not re.fullmatch(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+", value):
        yield "matches.path.value", "must only contain valid characters"


def _seconds(duration: str | None) -> float:
    parts = _DURATION.findall(duration or "")
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)
