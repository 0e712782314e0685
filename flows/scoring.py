"""Batch prediction on demand: start, score, go."""

from __future__ import annotations

from pathlib import Path

from flows.status import live_version
from pipelines.paths import home
from pipelines.progress import progress
from pipelines.scoring import ScoringResult, predict_file
from pipelines.versioning import versions
from pipelines.versioning.git import Repository


def score(root: Path, name: str, file: Path, out: Path, keep: list[str]) -> ScoringResult:
    """Score `file` with the live version of a model, or with the version named.

    Raises:
        EvergreenError: there is no such version, or the file cannot be scored.
    """
    version = live_version(root, name)
    folder = versions.model_folder(Repository.at(root), home(root), version)
    with progress("rows", 1) as on_progress:
        return predict_file(
            file,
            out,
            folder,
            name=version.name,
            keep=keep,
            on_progress=lambda done, total: on_progress(done, total or done),
        )
