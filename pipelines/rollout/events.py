"""What may happen to a rollout: the tick's evidence or the lack of it, and what people say."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.rollout.evidence import Evidence


@dataclass(frozen=True)
class Ready:
    """The challenger answers, and the gateway knows it. Say so at each tick until it begins.

    Without a mirror the first step exposes users at once, so it waits for evidence to be seen.
    """


@dataclass(frozen=True)
class Looked:
    """A tick that could read the source of evidence, be it that nothing had happened."""

    evidence: Evidence


@dataclass(frozen=True)
class Unseen:
    """A tick that could not, or that doubts what it sees; `why` in words."""

    why: str


@dataclass(frozen=True)
class Approved:
    """A person lets the step to `percent` begin."""

    percent: int
    who: str


@dataclass(frozen=True)
class Aborted:
    """A person wants the champion back, or refuses an approval."""

    who: str
    why: str


Event = Ready | Looked | Unseen | Approved | Aborted
