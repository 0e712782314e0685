"""The holdout that a version was judged on, as its commit has it."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipelines.errors import DataError
from pipelines.files import replacing
from pipelines.paths import HomePaths
from pipelines.versioning.git import Repository
from pipelines.versioning.versions import Version


def holdout(repository: Repository, home: HomePaths, version: Version) -> Path:
    """The rows as Parquet, taken out of the DVC cache (or its remote) once.

    Raises:
        DataError: neither has them.
    """
    kept = home.versions(version.model) / f"v{version.number}-{version.commit[:12]}-holdout.parquet"
    if not kept.exists():
        from dvc.api import DVCFileSystem
        from dvc.exceptions import DvcException

        try:
            files = DVCFileSystem(url=str(repository.root), rev=version.commit)
            place = f"data/{version.model}/splits/holdout.parquet"
            # Not `get_file`: where a file is there already, be it empty, DVC leaves it as it is.
            with (
                replacing(kept) as temporary,
                files.open(place, "rb") as source,
                temporary.open("wb") as target,
            ):
                shutil.copyfileobj(source, target)
        except (DvcException, OSError) as error:
            raise DataError(
                f"its holdout is neither in the DVC cache nor in the remote: {error}",
                where=version.name,
                next_step="`dvc fetch` from a remote that has it, or retrain",
            ) from error
    return kept
