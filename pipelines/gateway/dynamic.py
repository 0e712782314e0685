"""The three files that change while Envoy runs, and how a foreign hand in them is found.

Each file carries its generation and the digest of its content in `version_info`, which Envoy
repeats when it has taken it. So one rename changes a file and its digest together.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipelines import files
from pipelines.gateway.names import CLUSTERS_FILE, FAULTS_FILE, LAST_GOOD, ROUTES_FILE

FILES = (CLUSTERS_FILE, FAULTS_FILE, ROUTES_FILE)
_DIGITS = 16


@dataclass(frozen=True)
class Discovery:
    """What one file says: resources of Envoy, at a generation."""

    generation: int
    resources: list[Any]

    @property
    def version(self) -> str:
        """What Envoy repeats when it has taken it: `7:` and the digest of the resources."""
        content = json.dumps(self.resources, sort_keys=True, allow_nan=False)
        return f"{self.generation}:{hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]}"

    def write(self, path: Path) -> None:
        """Replace the file at once: Envoy watches for the rename."""
        content = {"version_info": self.version, "resources": self.resources}
        # An indenting `json.dumps` costs twenty times as much, and a rollback waits for it.
        text = msgspec.json.format(json.dumps(content, allow_nan=False), indent=1)
        files.write_text(text + "\n", path)


def read(path: Path) -> Discovery | None:
    """What a file says, or None if it is missing, damaged, or was edited by hand."""
    try:
        content = files.read_json(path)
        version, resources = content["version_info"], content["resources"]
        found = Discovery(int(str(version).partition(":")[0]), resources)
        return found if found.version == version and isinstance(resources, list) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def read_all(folder: Path) -> dict[str, Discovery] | None:
    """The files by name, or None unless all are as they were written."""
    found = {name: read(folder / name) for name in FILES}
    whole = {name: content for name, content in found.items() if content is not None}
    return whole if len(whole) == len(FILES) else None


def keep_last_good(folder: Path, content: dict[str, Discovery]) -> None:
    """Remember what Envoy has taken."""
    for name, discovery in content.items():
        if read(folder / LAST_GOOD / name) != discovery:
            discovery.write(folder / LAST_GOOD / name)


def restore_last_good(folder: Path) -> bool:
    """Put back what Envoy took last; False if that is not whole either."""
    content = read_all(folder / LAST_GOOD)
    if content is None:
        return False
    for name, discovery in content.items():
        discovery.write(folder / name)
    return True


def together(first: Discovery | None, second: Discovery) -> Discovery:
    """The resources of both; where both have one of a name, the second's."""
    named = {str(each["name"]): each for each in (first.resources if first else [])}
    named |= {str(each["name"]): each for each in second.resources}
    return Discovery(second.generation, [named[name] for name in sorted(named)])


def newest_generation(folder: Path) -> int:
    """The highest generation that any of the files can still be read for; 0 without any."""
    paths = [base / name for base in (folder, folder / LAST_GOOD) for name in FILES]
    found = [content.generation for path in paths if (content := read(path)) is not None]
    return max(found, default=0)
