"""One request as the gateway saw it, and what is bad about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """A request for answers that came through the gateway, which chose a version for it.

    Attributes:
        ended: unix seconds at which it was over.
        arm: the version that the weights chose, whoever answered in the end.
        weights: percent of the requests by version at the time.
        mirror: the version that got a copy, or None.
        has_failed: whether the chosen version gave no answer or an error, be it that another
            version then answered in its place.
        has_timed_out: whether it failed by taking too long.
        is_answered: whether the client got an answer, and no refusal, and waited for it.
        is_refused: for what was asked, or because the client left: nobody's fault here.
        duration_ms: from its first byte to its last, further tries included.
        request_id: what the servers' log calls it, too.
        session: what one client's repeated tries have in common; None if the client says nothing.
    """

    ended: float
    arm: str
    weights: Mapping[str, int]
    mirror: str | None
    has_failed: bool
    has_timed_out: bool
    is_answered: bool
    is_refused: bool
    duration_ms: float
    request_id: str
    session: str | None

    @property
    def is_error(self) -> bool:
        """Failed, and not by taking too long: each bad event is of one kind."""
        return self.has_failed and not self.has_timed_out

    @property
    def one(self) -> str:
        """What counts as one event: a client that tries again is not many clients that fail."""
        return self.request_id if self.session is None else f"session {self.session}"
