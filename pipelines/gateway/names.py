"""What things are called in Envoy: clusters, headers and files."""

from __future__ import annotations

from typing import Literal

from pipelines.gateway.security import OURS

Protocol = Literal["rest", "grpc"]
PROTOCOLS: tuple[Protocol, ...] = ("rest", "grpc")

ROUTES = "evergreen"
METADATA = "evergreen"
FALLBACK_CLUSTER = "fallback"

# Which version the weights chose, whoever answered in the end: a rollout is judged by it.
ARM = f"{OURS}arm"
FALLBACK = f"{OURS}fallback"

# Asked by a client: a version, and what else than the token to stay with one version by.
MODEL = "x-model"
MODEL_VERSION = "x-model-version"
SESSION = "x-session-id"

CLUSTERS_FILE = "clusters.json"
FAULTS_FILE = "faults.json"
ROUTES_FILE = "routes.json"
BOOTSTRAP_FILE = "envoy.yaml"
PREPARED_FILE = "prepared.json"
CERTIFICATE_FILE = "certificate.json"
ACCESS_LOG = "access.log"
LINGERING_FILE = "lingering.json"
LAST_GOOD = ".last-good"
LOCK_FILE = "apply.lock"


def servers(version: str, protocol: Protocol) -> str:
    """The cluster of a version's servers."""
    return f"{version}/{protocol}"


def behind_fault(version: str, protocol: Protocol) -> str:
    """The same servers, where a planted fault stands before them."""
    return f"{version}/{protocol}/behind-fault"


def shadow(version: str, protocol: Protocol) -> str:
    """The same servers with limits of their own, for copies that nobody waits for."""
    return f"{version}/{protocol}/shadow"


def chain(version: str, protocol: Protocol, *, has_fallback: bool) -> str:
    """A version first, and those that answer in its place."""
    return f"{version}/{protocol}/chain" + ("-with-fallback" if has_fallback else "")
