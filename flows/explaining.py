"""Explaining rows on demand: find the version, explain, go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.status import live_version
from pipelines.explanation.attribution import answer_of
from pipelines.explanation.rows import explain_file, explain_rows
from pipelines.paths import home
from pipelines.progress import progress
from pipelines.scoring import ScoringResult
from pipelines.signature import Signature
from pipelines.versioning import versions
from pipelines.versioning.git import Repository


def explain(root: Path, name: str, file: Path, rows: int, top: int) -> dict[str, Any]:
    """Explain the first `rows` rows of `file` with a version of a model, ready for JSON.

    Raises:
        EvergreenError: there is no such version, the file cannot be used, or shap is missing.
    """
    version, folder = _version(root, name)
    schema = Signature.read(folder).schema
    with progress("explained rows", rows) as on_progress:
        found = [row.to_json(schema, top) for row in explain_rows(file, folder, rows, on_progress)]
    return {"version": version, "answer": answer_of(schema), "rows": found}


def explain_into(root: Path, name: str, file: Path, out: Path, rows: int | None) -> ScoringResult:
    """Explain a file into another one: all rows, or the first `rows`.

    Raises:
        EvergreenError: as `explain`, or `out` cannot be written.
    """
    version, folder = _version(root, name)
    with progress("explained rows", rows or 1) as on_progress:
        return ScoringResult(*explain_file(file, out, folder, version, rows, on_progress))


def _version(root: Path, name: str) -> tuple[str, Path]:
    version = live_version(root, name)
    return version.name, versions.model_folder(Repository.at(root), home(root), version)
