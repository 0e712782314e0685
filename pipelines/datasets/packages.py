"""Data that an installed package carries; the package is found and not imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pipelines.errors import SourceError


def folder_of(package: str) -> Path:
    """Where an installed package lies.

    Raises:
        SourceError: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(
            f"the package {package} is not installed",
            where=f"package:{package}",
            next_step="run `make install`",
        )
    return Path(spec.submodule_search_locations[0])
