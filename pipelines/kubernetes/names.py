"""What objects are called, and the marks by which the controller knows its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.deploying.names import object_name

# Whoever else applies a field that this one applies is overruled.
FIELD_MANAGER = "evergreen"

# `evergreen manifest` marks its objects as managed by Evergreen too, and a person applies them:
# only what carries this label is the controller's to change or remove.
CONTROLLED = "evergreen/controlled"
SELECTOR = f"{CONTROLLED}=true"

VERSION = "evergreen/version"
CHAMPION = "evergreen/champion"
ROLLOUT = "evergreen/rollout"
GENERATION = "evergreen/generation"
# YES, or the unix seconds at which nothing needed the version any more.
NEEDED = "evergreen/needed"
YES = "yes"

MODEL_HEADER = "x-model"
VERSION_HEADER = "x-model-version"


def of_version(version: str) -> str:
    """`flights-v3` for `flights@v3`: its Deployment, its Service, and all that goes with them."""
    model, _, number = version.partition("@")
    return f"{object_name(model)}-{number}"


def of_route(model: str) -> str:
    """The routes of a model."""
    return object_name(model)


def of_overrides(model: str) -> str:
    """The route for who asks for a version; the dot keeps it apart from any model's name."""
    return f"{object_name(model)}.debug"


def labels_of(found: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of an object."""
    return found["metadata"].get("labels") or {}


def annotations_of(found: Mapping[str, Any]) -> Mapping[str, str]:
    """The annotations of an object."""
    return found["metadata"].get("annotations") or {}


def is_controlled(found: Mapping[str, Any]) -> bool:
    """Whether an object is the controller's."""
    return labels_of(found).get(CONTROLLED) == "true"
