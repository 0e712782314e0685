"""Whether a table can be right; a wrong one never reaches Envoy."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator

from pipelines.errors import GatewayError
from pipelines.gateway.table import Endpoint, Fault, ModelTable, Table

_MODEL = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
# Of a chain, the number of either model.
_VERSION = r"@v[1-9]\d{0,8}(\.v[1-9]\d{0,8})?"
_HOST = re.compile(r"[A-Za-z0-9:]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?", re.ASCII)
# The Open Inference Protocol has the first; the second is the gateway's own.
RESERVED = frozenset({"v2", "healthz"})
LONGEST_DELAY_MS = 600_000
LARGEST_FALLBACK_BYTES = 1_000_000


def require_sound(table: Table) -> None:
    """Refuse a table that contradicts itself.

    Raises:
        GatewayError: it does; every contradiction is named.
    """
    names = Counter(model.model for model in table.models)
    wrong = [f"{name} is there {count} times" for name, count in names.items() if count > 1]
    for model in table.models:
        wrong += [f"{model.model!r}: {problem}" for problem in _of_model(model)]
    if wrong:
        raise GatewayError(
            "; ".join(wrong),
            where="the gateway's table",
            next_step="nothing was changed; look at the rollout with `evergreen status`",
        )


def _of_model(model: ModelTable) -> Iterator[str]:
    if not _MODEL.fullmatch(model.model) or model.model in RESERVED:
        yield "is no name that a path can begin with"
    known = set(model.upstreams)
    named = {"champion": {model.champion}, "weights": set(model.weights)}
    named["mirror"] = {model.mirror} if model.mirror else set()
    named["previous"] = {model.previous} if model.previous else set()
    for role, versions in named.items():
        for version in sorted(versions - known):
            yield f"{role} names {version!r}, which listens nowhere"
    version_name = re.compile(re.escape(model.model) + _VERSION, re.ASCII)
    for version, endpoints in model.upstreams.items():
        if not version_name.fullmatch(version):
            yield f"{version!r} is no version of it"
        if not endpoints:
            yield f"{version} has no endpoint"
        for endpoint in endpoints:
            yield from _of_endpoint(version, endpoint)
    yield from _of_weights(model)
    yield from _of_answers(model)
    for fault in model.faults:
        yield from _of_fault(fault, known)


def _of_endpoint(version: str, endpoint: Endpoint) -> Iterator[str]:
    if not _HOST.fullmatch(endpoint.host):
        yield f"{version} listens at {endpoint.host!r}, which is no host"
    for port in (endpoint.port, endpoint.grpc_port):
        if not _is_whole(port, 1, 65535):
            yield f"{version} listens on {port!r}, which is no port"


def _of_weights(model: ModelTable) -> Iterator[str]:
    weights = model.weights.values()
    if not all(_is_whole(weight, 0, 100) for weight in weights) or sum(weights) != 100:
        yield f"the weights {dict(model.weights)} are not percents that sum to 100"


def _of_answers(model: ModelTable) -> Iterator[str]:
    if not (math.isfinite(model.timeout_seconds) and 0 < model.timeout_seconds <= 3600):
        yield f"{model.timeout_seconds} s is no timeout"
    if model.fallback is None:
        return
    try:
        text = json.dumps(dict(model.fallback), allow_nan=False)
    except (TypeError, ValueError) as error:
        yield f"the fallback is not JSON: {error}"
        return
    if len(text) > LARGEST_FALLBACK_BYTES:
        yield f"the fallback has {len(text)} bytes, at most {LARGEST_FALLBACK_BYTES} are taken"


def _of_fault(fault: Fault, known: set[str]) -> Iterator[str]:
    if not _is_whole(fault.percent, 1, 100):
        yield f"a fault in {fault.percent!r} percent"
    if fault.version is not None and fault.version not in known:
        yield f"a fault of {fault.version!r}, which listens nowhere"
    if fault.delay_ms is None and fault.abort_status is None:
        yield "a fault that neither delays nor aborts"
    if fault.delay_ms is not None and not _is_whole(fault.delay_ms, 1, LONGEST_DELAY_MS):
        yield f"a fault that delays by {fault.delay_ms!r} ms"
    if fault.abort_status is not None and not _is_whole(fault.abort_status, 200, 599):
        yield f"a fault that aborts with {fault.abort_status!r}"
    if not math.isfinite(fault.expires):
        yield "a fault that never expires"


def _is_whole(value: object, low: int, high: int) -> bool:
    # A bool is an int to Python, and `true` no number to Envoy.
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
