"""Names that Kubernetes takes: a model may be called `flights_minutes`, an object may not."""

from __future__ import annotations

import hashlib
import re

from pipelines.errors import DeployError

# A pod's name is its Deployment's, two hashes and two dashes, and must stay a DNS label of 63.
MOST_CHARACTERS = 63 - len("-0123456789-01234")
_LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


def object_name(model: str) -> str:
    """The DNS label that stands for a model; no two models of a params.yaml share one.

    `_` becomes `-`, which no model's name holds. A name that would end in `-` gets a digest
    instead of it, because cutting it off would make `flights_` of `flights`.
    """
    label = model.replace("_", "-")
    if label.endswith("-"):
        label = f"{label.rstrip('-')}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"
    return label


def checked(name: str) -> str:
    """The name, if objects can be called so.

    Raises:
        DeployError: it is not a DNS label, or too long for the names that are made from it.
    """
    if not _LABEL.fullmatch(name) or len(name) > MOST_CHARACTERS:
        raise DeployError(
            f"not a name that Kubernetes takes for all of its objects: {name!r}",
            where="--name",
            next_step="use lower-case letters, digits and -, a letter first, no - at the end, "
            f"at most {MOST_CHARACTERS}",
        )
    return name
