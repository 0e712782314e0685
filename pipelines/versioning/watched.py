"""What a version is watched by: the evidence of its commit, taken out of git and the DVC cache."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ModelError
from pipelines.files import write_text
from pipelines.paths import HomePaths, ModelPaths
from pipelines.settings import PARAMS_FILE, ModelSettings, parse
from pipelines.versioning import drafts
from pipelines.versioning.git import Repository
from pipelines.versioning.versions import Version

# All that is wanted of them; a split of a large table is not copied for nothing.
_WANTED = {"splits": ("reference.parquet", "holdout.parquet"), "reports": ("attribution.json",)}


def evidence_folder(repository: Repository, home: HomePaths, version: Version) -> Path:
    """The reference, holdout, attribution and expectations of a version, fetched once.

    A file that neither the cache nor the remote has is not there; who reads the folder says what
    that means.

    Raises:
        ModelError: neither the cache nor the remote can be read.
    """
    name = f"v{version.number}-{version.commit[:12]}-evidence"
    folder = home.versions(version.model) / name
    if not folder.exists():
        partial = drafts.draft(folder)
        partial.mkdir()
        is_whole = _fetch(repository, version, partial)
        rules = ModelPaths(Path(), version.model).expectations
        text = repository.show(version.commit, rules.as_posix())
        if text is not None:
            write_text(text, partial / rules.name)
        if not is_whole:
            # Not kept under the name of a whole one: what is missing may be fetched tomorrow.
            return partial
        drafts.keep(partial, folder)
    return folder


def settings_of(repository: Repository, version: Version) -> ModelSettings | None:
    """The settings that a version was made with; None if its commit has none that are readable.

    Raises:
        SettingsError: its params.yaml is none by now.
    """
    return settings_at(repository, version.commit, version.model)


def settings_at(repository: Repository, commit: str, model: str) -> ModelSettings | None:
    """The settings of a model at a commit; None if there are none that are readable.

    Raises:
        SettingsError: its params.yaml is none by now.
    """
    import yaml

    text = repository.show(commit, PARAMS_FILE)
    return None if text is None else parse(yaml.safe_load(text)).model(model)


def _fetch(repository: Repository, version: Version, into: Path) -> bool:
    """Whether everything that is wanted was there."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc_data.index.index import DataIndexDirError

    is_whole = True
    try:
        files = DVCFileSystem(url=str(repository.root), rev=version.commit)
        for kind, names in _WANTED.items():
            for name in names:
                try:
                    files.get(f"data/{version.model}/{kind}/{name}", str(into / name))
                except FileNotFoundError:
                    is_whole = False
                except DataIndexDirError as error:
                    # A folder whose list of files is gone from everywhere, or cannot be reached.
                    if not isinstance(error.__cause__, FileNotFoundError):
                        raise
                    is_whole = False
    except (DvcException, DataIndexDirError, OSError) as error:
        raise ModelError(
            f"its evidence is neither in the DVC cache nor in the remote: {error}",
            where=version.name,
            next_step="`dvc fetch` from a remote that has it, or retrain",
        ) from error
    return is_whole
