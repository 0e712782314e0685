"""One request as the gateway saw it, and what is bad about it."""

from __future__ import annotations

from dataclasses import dataclass

SERVER_ERROR = 500
CLIENT_ERROR = 400
GATEWAY_TIMEOUT = 504
# Envoy's words for why a response is what it is.
UPSTREAM_TIMED_OUT = "UT"
# No arm was asked: refused by a limit or by who may ask, or not even a request.
NEVER_ASKED = frozenset({"RL", "RLSE", "UAEX", "DPE", "NR"})
NO_STATUS = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A request for answers that came through the gateway and went to one of two arms.

    Attributes:
        ended: unix seconds at which it was over.
        arm: the version that the route chose, whoever answered in the end.
        weight_percent: what the challenger was given of the requests at the time.
        mirror: the version that got a copy, or None.
        status: of the answer; 0 when the client left before there was one.
        flags: Envoy's response flags.
        attempts: how often it was sent to a server; the first time is 1.
        duration_ms: from its first byte to its last, retries included.
        request_id: what the servers' log calls it, too.
        session: what one client's repeated tries have in common; None if the client says nothing.
    """

    ended: float
    arm: str
    weight_percent: int
    mirror: str | None
    status: int
    flags: frozenset[str]
    attempts: int
    duration_ms: float
    request_id: str
    session: str | None

    @property
    def has_reached_an_arm(self) -> bool:
        return self.attempts > 0 and not self.flags & NEVER_ASKED

    @property
    def is_the_clients_fault(self) -> bool:
        """Refused for what it asked; that says nothing of the version that refused it."""
        return CLIENT_ERROR <= self.status < SERVER_ERROR

    @property
    def is_timeout(self) -> bool:
        return self.status == GATEWAY_TIMEOUT or UPSTREAM_TIMED_OUT in self.flags

    @property
    def is_error(self) -> bool:
        """Whether the chosen arm failed, though another server may have answered in its stead."""
        return not self.is_timeout and (self.status >= SERVER_ERROR or self.attempts > 1)

    @property
    def one(self) -> str:
        """What counts as one event: a client that tries again is not many clients that fail."""
        return self.request_id if self.session is None else f"session {self.session}"
