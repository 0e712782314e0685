"""The project that a rollout takes place in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pipelines.paths import HomePaths, home
from pipelines.state import store
from pipelines.versioning.git import Repository


@dataclass(frozen=True)
class Project:
    """Where its files are, what it runs with, and the store that says what is true."""

    root: Path
    home: HomePaths
    engine: sa.Engine
    repository: Repository

    @classmethod
    def at(cls, root: Path) -> Project:
        """Open the project in a folder.

        Raises:
            WorkspaceError: it is no git repository.
            StateError: the state store cannot be opened.
        """
        places = home(root)
        return cls(root, places, store.connect(places.database), Repository.at(root))
