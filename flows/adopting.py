"""`evergreen adopt`: a person says which version is live, when the ledger was lost."""

from __future__ import annotations

import getpass
from pathlib import Path

from pipelines import settings
from pipelines.errors import StateError
from pipelines.paths import home
from pipelines.state import ledger, store
from pipelines.state.ledger import ADOPTED, Entry, Promotion
from pipelines.versioning import versions
from pipelines.versioning.git import Repository


def adopt(root: Path, model: str, name: str, reason: str) -> Entry:
    """Begin an empty ledger with a registered version.

    Raises:
        StateError: the ledger is not empty; then what is live was decided on evidence.
        WorkspaceError: there is no such version.
    """
    settings.load(root).model(model)
    places = home(root)
    engine = store.connect(places.database)
    live = ledger.live(engine, model)
    if live is not None:
        raise StateError(
            f"{live.version} is live, and the ledger knows it",
            where=str(places.database),
            next_step="only an empty ledger can be begun by hand",
        )
    version = versions.find(Repository.at(root), model, name)
    promotion = Promotion(
        model=model,
        version=version.name,
        commit=version.commit,
        who=getpass.getuser(),
        why=reason,
        evidence={},
        run=f"adopted {version.name}",
        action=ADOPTED,
    )
    return ledger.promote(engine, promotion)
