"""The demo on its way: what happens is told while it happens, until something is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from flows.demo import views
from flows.demo.events import Event, events
from flows.demo.traffic import Traffic
from flows.throwaway import MODEL, Demo
from pipelines.errors import WorkspaceError
from pipelines.paths import HomePaths

_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 900.0


@dataclass
class Story:
    """The demo on its way.

    Attributes:
        demo: runs verbs in the clone.
        engine: the clone's state store.
        began: unix seconds.
        planted: what became of what was planted, for whoever is told.
    """

    demo: Demo
    engine: sa.Engine
    began: float
    planted: dict[str, Any] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

    @property
    def home(self) -> HomePaths:
        return self.demo.home

    def follow(self, is_over: Callable[[], bool], what: str, traffic: Traffic) -> None:
        """Tell what happens, as it happens, until something is so.

        Raises:
            WorkspaceError: it does not come.
            EvergreenError: the traffic ended.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            # Before it is told what happened, so that nothing before the end is left out.
            is_last = is_over()
            self.tell()
            if is_last:
                return
            traffic.require()
            if time.monotonic() > deadline:
                raise WorkspaceError(
                    f"it did not come within {_PATIENCE_SECONDS:g} s that {what}",
                    where=str(self.demo.log),
                    next_step="its last lines, and `evergreen status` in the clone, say why",
                )
            time.sleep(_POLL_SECONDS)

    def tell(self) -> None:
        """Print what was not printed yet."""
        for event in self.events():
            key = (event.who, event.text)
            if key not in self._told:
                self._told.add(key)
                self.demo.console.print(views.line(event, self.began), soft_wrap=True)

    def events(self) -> list[Event]:
        """Everything that happened since the beginning."""
        return events(self.engine, MODEL)
