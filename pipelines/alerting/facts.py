"""What the state store says of one model, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.monitoring.records import Record
from pipelines.monitoring.triggers.events import Trigger
from pipelines.rollout.state import Phase
from pipelines.state.ledger import Entry
from pipelines.state.runs import Run


@dataclass(frozen=True)
class OpenRollout:
    """A rollout that has not ended.

    Attributes:
        id: as in the state store.
        champion, challenger: versions, as `flights@v3`.
        phase, weight_percent, is_paused, reason: as the rollout's state has them.
        entered: when the phase or step began, Unix seconds.
        looked: when a controller looked last, Unix seconds by its clock.
        unseen_seconds: how long that is ago, whatever happened to the clock since.
    """

    id: str
    champion: str
    challenger: str
    phase: Phase
    weight_percent: int
    is_paused: bool
    reason: str
    entered: float
    looked: float
    unseen_seconds: float


@dataclass(frozen=True)
class EndedRollout:
    """A rollout that has ended: when (Unix seconds), how, and why."""

    id: str
    at: float
    phase: str
    reason: str


@dataclass(frozen=True)
class Breaker:
    """Challengers that failed in a row, how many of them open the breaker, and who closed it when.

    Attributes:
        failures: since the last success, or since it was closed.
        limit: from so many on it is open.
        closed: Unix seconds; 0 if nobody ever did.
    """

    failures: int
    limit: int
    closed: float

    @property
    def is_open(self) -> bool:
        return self.failures >= self.limit


@dataclass(frozen=True)
class Facts:
    """One model.

    Attributes:
        model: its name.
        entries: of the ledger, the newest first.
        runs: the newest first.
        orphan: the run that is not finished and has no process, if any.
        rollout: the open one, None if there is none.
        unreadable: why the open rollout cannot be read; "" if it can, or if there is none.
        ended: rollouts, the newest first.
        windows: that were looked at, the newest first.
        window_hours: the length of a window; None where windows are of so many rows.
        triggers: the newest first.
        breaker: None before the first trigger, which is when there is an inbox.
    """

    model: str
    entries: tuple[Entry, ...] = ()
    runs: tuple[Run, ...] = ()
    orphan: Run | None = None
    rollout: OpenRollout | None = None
    unreadable: str = ""
    ended: tuple[EndedRollout, ...] = ()
    windows: tuple[Record, ...] = ()
    window_hours: float | None = None
    triggers: tuple[Trigger, ...] = ()
    breaker: Breaker | None = None

    @property
    def live(self) -> Entry | None:
        """What is live, and since when."""
        return self.entries[0] if self.entries else None

    @property
    def settled(self) -> Record | None:
        """The newest window that could be judged."""
        return next((record for record in self.windows if record.is_settled), None)


@dataclass(frozen=True)
class Told:
    """How telling went so far: messages that arrived, and attempts that failed."""

    delivered: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Snapshot:
    """All models at one moment, `at` in Unix seconds."""

    at: float
    models: tuple[Facts, ...]
    told: Told = field(default_factory=Told)
