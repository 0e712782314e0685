"""Server-side apply as far as it is used: fields have owners, and what an owner drops is gone.

Lists are taken whole, but for those that a key tells apart in the schemas of what is written here.
"""

from __future__ import annotations

import copy
from typing import Any

Path = tuple[str, ...]


def leaves(content: Any, at: Path = ()) -> set[Path]:
    """The paths of all fields that are set."""
    if isinstance(content, dict) and content:
        return {path for key, value in content.items() for path in leaves(value, (*at, key))}
    return {at}


def owned_fields(applied: dict[str, Any]) -> set[Path]:
    """The fields that an applier owns: all it says, but for what says which object is meant."""
    content = {key: value for key, value in applied.items() if key not in {"apiVersion", "kind"}}
    identity = {"name", "namespace", "uid", "resourceVersion"}
    metadata = {k: v for k, v in content.get("metadata", {}).items() if k not in identity}
    return leaves({**content, "metadata": metadata})


def merged(before: dict[str, Any], applied: dict[str, Any], dropped: set[Path]) -> dict[str, Any]:
    """The object after an apply.

    Args:
        before: as it was.
        applied: what was sent.
        dropped: fields that only this applier owned, and does not name any more.
    """
    found = copy.deepcopy(before)
    for path in dropped:
        _remove(found, path)
    return _merge(found, applied)


def merge_patched(before: Any, patch: Any) -> Any:
    """An object after a JSON merge patch: null takes a field away."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    found = dict(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merge_patched(found.get(key), value)
    return found


def _merge(before: Any, applied: Any) -> Any:
    if isinstance(before, dict) and isinstance(applied, dict):
        both = dict(before)
        for key, value in applied.items():
            both[key] = _merge(before.get(key), value)
        return both
    return copy.deepcopy(applied)


def _remove(found: Any, path: Path) -> None:
    *steps, last = path
    for step in steps:
        if not isinstance(found, dict) or step not in found:
            return
        found = found[step]
    if isinstance(found, dict):
        found.pop(last, None)
