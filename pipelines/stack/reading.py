"""What the state store says of every model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pipelines import settings
from pipelines.errors import PackageError, StateError
from pipelines.fleet.fleet import Fleet
from pipelines.fleet.layout import Layout
from pipelines.packaging import store as bentos_here
from pipelines.paths import HomePaths, home
from pipelines.rollout import clock
from pipelines.rollout import store as rollouts
from pipelines.rollout.state import State
from pipelines.settings import Settings
from pipelines.stack.chained import chained
from pipelines.stack.desired import Known, Wanted, wanted
from pipelines.state import bentos, ledger, store


@dataclass(frozen=True)
class Stack:
    """One project with its runtime state, opened."""

    root: Path
    home: HomePaths
    settings: Settings
    engine: sa.Engine
    fleet: Fleet

    @classmethod
    def at(cls, root: Path) -> Stack:
        """The stack of the project in `root`.

        Raises:
            SettingsError, StateError: params.yaml or the state store cannot be read.
        """
        places = home(root)
        engine = store.connect(places.database)
        return cls(root, places, settings.load(root), engine, Fleet(Layout.of(places)))

    def wanted(self) -> list[Wanted]:
        """What should be true, by what is written at this moment."""
        found = (wanted(self.known(model)) for model in self.settings.models)
        models = [each for each in found if each is not None]
        return [*models, *chained(self.settings.chain, models)]

    def known(self, model: str) -> Known:
        """What the store says of a model."""
        entries = ledger.history(self.engine, model)
        rollout, doubt = self._rollout(model)
        tags = bentos.registered(self.engine, model)
        here = frozenset(version for version, tag in tags.items() if self._is_here(tag))
        return Known(model, entries, rollout, here, clock.read(), doubt)

    def _rollout(self, model: str) -> tuple[State | None, str | None]:
        """The open rollout, or why it cannot be read: then the champion has everything."""
        try:
            stored = rollouts.current(self.engine, model)
        except StateError as error:
            return None, str(error)
        return (None if stored is None else stored.state), None

    def _is_here(self, tag: str) -> bool:
        try:
            return bentos_here.is_whole(bentos_here.place(tag, self.home))
        except PackageError:  # what the ledger holds is no tag, so there is no such bento
            return False
