"""The gateway's access log as requests that a rollout may be judged on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.gateway.access_log import Access, read_access_log
from pipelines.observing.requests import Request

_OK = 0
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
# Lines that ended on the very moment that a stretch begins belong to it here, and to the one
# before in the log; so a little more is read, and cut.
_MORE_SECONDS = 1.0


@dataclass(frozen=True)
class GatewayLog:
    """The requests of one model. See `sources.RequestLog`."""

    folder: Path
    model: str

    def __call__(self, since: float, until: float) -> Iterator[Request]:
        for access in read_access_log(self.folder, since - _MORE_SECONDS, until):
            if since <= access.time < until:
                request = _request(access, self.model)
                if request is not None:
                    yield request


def _request(access: Access, model: str) -> Request | None:
    """None for what asks for no prediction, for a version by name, or was refused at the door."""
    if access.model != model or access.kind != "predict" or access.arm is None:
        return None
    is_refusal = _is_refusal(access)
    return Request(
        ended=access.time,
        arm=access.arm,
        weights=access.weights,
        mirror=access.mirror,
        has_failed=access.has_arm_failed,
        has_timed_out=access.has_arm_timed_out,
        is_answered=not (is_refusal or access.has_failed),
        is_refused=is_refusal and not access.has_arm_failed,
        duration_ms=access.duration_ms,
        request_id=access.request_id,
        session=_session(access),
    )


def _is_refusal(access: Access) -> bool:
    """Refused for what it asked, or left by the client; says nothing of a version."""
    is_bad_call = access.grpc_status not in (None, _OK) and not access.has_failed
    is_bad_request = _CLIENT_ERROR <= access.status < _SERVER_ERROR
    return access.is_abandoned or is_bad_call or is_bad_request


def _session(access: Access) -> str | None:
    """Of this subject: two clients may call their sessions alike."""
    return None if access.session is None else f"{access.subject or ''}/{access.session}"
