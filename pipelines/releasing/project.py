"""The project that a rollout takes place in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pipelines.errors import RolloutError
from pipelines.paths import HomePaths, home
from pipelines.state import ledger, store
from pipelines.state.ledger import Entry
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

    def live(self, model: str) -> Entry:
        """What is live of a model.

        Raises:
            RolloutError: nothing is.
        """
        entry = ledger.live(self.engine, model)
        if entry is None:
            raise RolloutError(
                "nothing is live yet that a challenger could be compared with",
                where=f"rollout of {model}",
                next_step=f"run `evergreen retrain {model}`: the first version is live at once",
            )
        return entry
