"""What Envoy wrote of every request: evidence of a rollout, and what a person reads at night."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from pipelines.errors import GatewayError
from pipelines.gateway.admin import Admin, DownError
from pipelines.gateway.names import ACCESS_LOG
from pipelines.gateway.security import RouteKind

FLUSH_MILLISECONDS = 200
# A line is in the file so long after its request ended, and a little: who reads up to a moment
# that is further back reads the same again later.
SETTLED_SECONDS = 1.0
ROTATED_BYTES = 64 * 2**20
KEPT_FILES = 16
# Lines are in the order in which requests ended, but for what two clocks make of that.
_SLACK_SECONDS = 2.0
# Envoy's timers run from when its event loop last looked at the clock, which on a busy machine is
# some milliseconds before the request was there: a try may end so much earlier than it is said to.
_SHARE_OF_A_TRY = 0.95
_FAILED_CODES = frozenset({1, 2, 4, 8, 13, 14, 15})


class Access(msgspec.Struct, frozen=True):
    """One request that came through the gateway.

    Attributes:
        time: unix seconds when its answer was complete.
        model: None if no model's route matched.
        kind: of its route; `predict` is what a rollout is judged on.
        arm: the version that the weights chose; None if the request was refused before.
        answered: the version that answered, or `fallback`; None if none did.
        status: of HTTP, as the client saw it; 0 if it went away.
        grpc_status: of gRPC, as the client saw it, or None.
        flags: Envoy's response flags, as `UT` for a timeout; empty for none.
        details: Envoy's words for how the answer came about.
        attempts: how often a server was asked, 0 for never.
        duration_ms: from the first byte of the request to the last of the answer.
        latency_ms: from the last byte of the request to the first of the answer, which leaves out
            how fast the client sends and reads; 0 if either was missing.
        request_id: the key to the prediction log.
        subject, session: what a client's requests are told together by, or None.
        generation: of the table that routed it.
        weights: percent by version at that generation.
        mirror: the version that got a copy, or None.
        try_ms: how long one try could take at most.
        path: without its query, as the server was asked.
    """

    time: float
    model: str | None
    kind: RouteKind | None
    arm: str | None
    answered: str | None
    status: int
    grpc_status: int | None
    flags: str
    details: str
    attempts: int
    duration_ms: float
    latency_ms: float
    request_id: str
    subject: str | None
    session: str | None
    generation: int
    weights: Mapping[str, int]
    mirror: str | None
    try_ms: float
    path: str

    @property
    def weight(self) -> int:
        """Percent of the requests that the chosen version had; 0 without one."""
        return self.weights.get(self.arm or "", 0)

    @property
    def has_failed(self) -> bool:
        """Whether the client was given an error that is not its own."""
        is_error = self.status >= 500 or self.status == 0
        return is_error or (self.grpc_status in _FAILED_CODES)

    @property
    def has_arm_failed(self) -> bool:
        """Whether the chosen version did not answer, or with an error, whoever else did then.

        This is what a rollout counts: the chain hides it from clients, and not from here.
        """
        if self.arm is None or self.is_abandoned:
            return False
        return self.attempts != 1 or self.answered != self.arm or self.has_failed

    @property
    def has_arm_timed_out(self) -> bool:
        """Whether it failed by not answering in time."""
        return self.has_arm_failed and self.latency_ms >= _SHARE_OF_A_TRY * self.try_ms

    @property
    def is_abandoned(self) -> bool:
        """Whether the client went away before it was answered, which is nobody's failure."""
        return self.status == 0 or not {"DC", "DR"}.isdisjoint(self.flags.split(","))


class _Route(msgspec.Struct):
    model: str
    kind: RouteKind
    generation: int
    weights: dict[str, int]
    try_ms: float
    mirror: str | None = None


class _Line(msgspec.Struct):
    time: str
    status: int
    attempts: int | None
    duration_us: int | None
    latency_us: int | None
    request_id: str | None
    route: _Route | None = None
    arm: str | None = None
    answered: str | None = None
    grpc_status: int | None = None
    flags: str | None = None
    details: str | None = None
    subject: str | None = None
    session: str | None = None
    path: str | None = None


def read_access_log(folder: Path, begin: float, end: float) -> Iterator[Access]:
    """The requests that ended after `begin` and not after `end`, unix seconds, oldest file first.

    Raises:
        GatewayError: a line is not what Envoy writes.
    """
    with ExitStack() as stack:
        for file in _open(folder, stack):
            if os.fstat(file.fileno()).st_mtime + _SLACK_SECONDS < begin:
                continue
            for access in _from(file, begin):
                if begin < access.time <= end:
                    yield access


def _open(folder: Path, stack: ExitStack) -> list[BinaryIO]:
    """Every file, open, so that one that is rotated meanwhile is neither lost nor read twice."""
    while True:
        with ExitStack() as opened:
            paths = _files(folder)
            try:
                files: list[BinaryIO] = [opened.enter_context(path.open("rb")) for path in paths]
            except FileNotFoundError:
                continue  # renamed or removed in between
            if _files(folder) == paths:
                stack.push(opened.pop_all())
                return files


def _files(folder: Path) -> list[Path]:
    """Rotated ones in their order, then the one that is written to."""
    current = folder / ACCESS_LOG
    return [*_rotated(folder), *([current] if current.exists() else [])]


def _rotated(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{Path(ACCESS_LOG).stem}-*.log"))


def _from(file: BinaryIO, begin: float) -> Iterator[Access]:
    file.seek(_offset(file, begin - _SLACK_SECONDS))
    while (line := file.readline()).endswith(b"\n"):
        # What a killed Envoy left of its last line, which the next start ended.
        if line.endswith(b"}\n"):
            yield _decode(line, file.name)


def _offset(file: BinaryIO, begin: float) -> int:
    """Where the first line is that may be as young as `begin`; found by halving."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > 2**16:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        line = file.readline()
        if line.endswith(b"}\n") and _time(line) < begin:
            low = middle
        else:
            high = middle
    file.seek(low)
    if low:
        file.readline()
    return file.tell()


class _Time(msgspec.Struct):
    time: str


def _time(line: bytes) -> float:
    return float(msgspec.json.decode(line, type=_Time).time)


def _decode(line: bytes, name: str) -> Access:
    try:
        raw = msgspec.json.decode(line, type=_Line)
        time = float(raw.time)
    except (msgspec.MsgspecError, ValueError) as error:
        raise GatewayError(
            f"a line is not Envoy's: {error}",
            where=name,
            next_step="move the file away; the evidence of its time is lost",
        ) from error
    route = raw.route
    flags = "" if raw.flags in (None, "-") else str(raw.flags)
    return Access(
        time=time,
        model=route.model if route else None,
        kind=route.kind if route else None,
        arm=raw.arm,
        answered=raw.answered,
        status=raw.status,
        grpc_status=raw.grpc_status,
        flags=flags,
        details=raw.details or "",
        attempts=raw.attempts or 0,
        duration_ms=(raw.duration_us or 0) / 1000,
        latency_ms=(raw.latency_us or 0) / 1000,
        request_id=raw.request_id or "",
        subject=raw.subject,
        session=raw.session,
        generation=route.generation if route else 0,
        weights=route.weights if route else {},
        mirror=route.mirror if route else None,
        try_ms=route.try_ms if route else 0.0,
        path=raw.path or "",
    )


def rotate(folder: Path, admin: Admin, now: float) -> None:
    """Begin a new file when this one is large, and remove the oldest beyond KEPT_FILES."""
    current = folder / ACCESS_LOG
    if not current.exists() or current.stat().st_size < ROTATED_BYTES:
        return
    current.replace(folder / f"{current.stem}-{int(now * 1000):015d}.log")
    with suppress(DownError):  # then it opens a new one when it starts
        admin.post("/reopen_logs")
    for old in _rotated(folder)[:-KEPT_FILES]:
        old.unlink()


def mend(folder: Path) -> None:
    """End the line that a killed Envoy left half, so that the next one begins on its own."""
    path = folder / ACCESS_LOG
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
