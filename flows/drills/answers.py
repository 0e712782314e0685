"""What clients saw, and how much of it was bad. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from http import HTTPStatus

from pipelines.gateway.access_log import Access


@dataclass(frozen=True)
class Answer:
    """One request, as the client that sent it tells.

    Attributes:
        request_id: the key to the gateway's log.
        started, ended: unix seconds; retries are in between.
        status: of HTTP; 0 if there was none: no connection within the client's patience, or no
            answer in time.
        tries: how often it was sent. Only a connection that failed is a reason to send it again.
        is_fallback: whether no version answered, and the declared fallback was given.
    """

    request_id: str
    started: float
    ended: float
    status: int
    tries: int
    is_fallback: bool

    @property
    def is_good(self) -> bool:
        return self.status == HTTPStatus.OK and not self.is_fallback


@dataclass(frozen=True)
class Bad:
    """Answers that no client should get, by kind.

    Attributes:
        errors: with another status than 200.
        unanswered: sent again on new connections, and in vain, or not answered in time.
        fallbacks: of no version.
        wrong_versions: of a version that had no share of the requests, and is not the champion.
    """

    errors: int
    unanswered: int
    fallbacks: int
    wrong_versions: int

    @property
    def total(self) -> int:
        return sum(asdict(self).values())


def bad(answers: Iterable[Answer], accesses: Iterable[Access], champion: str) -> Bad:
    """Count what was bad.

    Args:
        answers: as clients tell.
        accesses: the same time, as the gateway tells.
        champion: the version that may always answer in another's place.
    """
    seen = list(answers)
    return Bad(
        errors=sum(each.status not in (0, HTTPStatus.OK) for each in seen),
        unanswered=sum(each.status == 0 for each in seen),
        fallbacks=sum(each.is_fallback for each in seen),
        wrong_versions=sum(_is_of_wrong_version(each, champion) for each in accesses),
    )


def _is_of_wrong_version(access: Access, champion: str) -> bool:
    if access.kind != "predict" or access.answered in (None, champion, "fallback"):
        return False
    return not access.weights.get(access.answered or "", 0)


def gap_seconds(answers: Iterable[Answer], moment: float) -> float | None:
    """From `moment`, unix seconds, to the first good answer to anything that was sent after it.

    None if there was none.
    """
    later = [each.ended for each in answers if each.started >= moment and each.is_good]
    return min(later) - moment if later else None


def seconds_to_zero(accesses: Iterable[Access], version: str, decided: float) -> float | None:
    """From a decision to the last request that the weights could still give to a version.

    Args:
        accesses: of the gateway.
        version: the one that is to get no more.
        decided: unix seconds.

    Returns:
        0 if there was no such request after the decision; None if the log ends before any request
        was routed without the version, so that nobody can tell.
    """
    predicted = [each for each in accesses if each.kind == "predict" and each.arm is not None]
    begun = [(each.time - each.duration_ms / 1000, each) for each in predicted]
    last = max((at for at, each in begun if each.weights.get(version, 0)), default=decided)
    is_over = any(at > max(last, decided) for at, each in begun)
    return max(last - decided, 0.0) if is_over else None
