"""One holder at a time: who may retrain a model now."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil
import sqlalchemy as sa

from pipelines.errors import BusyError, StateError
from pipelines.state.store import leases


@dataclass(frozen=True)
class Lease:
    """A lease that is held. `token` grows with every holder, so a late one can be told apart."""

    name: str
    holder: str
    token: int
    lost: threading.Event = field(default_factory=threading.Event, compare=False)

    def require(self) -> None:
        """Raise BusyError if somebody else holds the lease by now, so nothing more may be done."""
        if self.lost.is_set():
            raise BusyError(
                "lost the lease: it could not be renewed in time",
                where=f"lease {self.name}",
                next_step="run the same command again; finished stages are kept",
            )


@contextmanager
def hold(engine: sa.Engine, name: str, holder: str, seconds: float) -> Iterator[Lease]:
    """Hold the lease `name` for the block; it is renewed in the background.

    A lease whose process is dead on this host is taken over at once; one from another host when
    it was not renewed for the `seconds` that its holder had asked for.

    Raises:
        BusyError: somebody else holds it; says who and since when.
    """
    lease = _acquire(engine, name, holder, seconds)
    stop = threading.Event()
    renewal = threading.Thread(
        target=_renew, args=(engine, lease, seconds, stop), name=f"lease-{name}", daemon=True
    )
    renewal.start()
    try:
        yield lease
    finally:
        stop.set()
        renewal.join()
        # A store that fails here must not hide why the block ended; the row of a process that
        # is gone stands in nobody's way.
        with suppress(StateError), engine.begin() as connection:
            connection.execute(leases.delete().where(_is(lease)))


def holder(engine: sa.Engine, name: str) -> str | None:
    """Who holds a lease now, in words, or None."""
    with engine.connect() as connection:
        held = connection.execute(leases.select().where(leases.c.name == name)).one_or_none()
    return _describe(held) if held is not None and _is_alive(held) else None


def require_free(engine: sa.Engine, name: str) -> None:
    """Raise BusyError if somebody holds the lease; it may still be lost to another afterwards."""
    held_by = holder(engine, name)
    if held_by is not None:
        raise _busy(name, held_by)


def _busy(name: str, held_by: str) -> BusyError:
    return BusyError(
        f"{held_by} holds the lease",
        where=f"lease {name}",
        next_step="wait for it to finish (`evergreen status` shows it)",
    )


def _describe(held: sa.Row[tuple[object, ...]]) -> str:
    return f"{held.holder} (process {held.pid} on {held.host})"


def _acquire(engine: sa.Engine, name: str, holder: str, seconds: float) -> Lease:
    values = {
        "holder": holder,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "process_started": psutil.Process().create_time(),
        "expires": time.time() + seconds,
    }
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Take the write lock before looking, or two could both see a free lease.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        held = connection.execute(
            leases.select().where(leases.c.name == name).with_for_update()
        ).one_or_none()
        if held is not None and _is_alive(held):
            raise _busy(name, _describe(held))
        # The token of a released lease is gone, so it continues from the clock.
        token = max(held.token + 1 if held else 0, time.time_ns())
        if held is None:
            change: sa.Executable = leases.insert().values(name=name, token=token, **values)
        else:
            change = leases.update().where(leases.c.name == name).values(token=token, **values)
        try:
            connection.execute(change)
        except sa.exc.IntegrityError as error:
            # Elsewhere than in SQLite, two may find no row at once; one of them inserts it.
            raise _busy(name, "somebody else") from error
        connection.commit()
    return Lease(name, holder, token)


def _is_alive(held: sa.Row[tuple[object, ...]]) -> bool:
    is_renewed = bool(held.expires > time.time())
    if held.host != socket.gethostname():
        return is_renewed
    try:
        process = psutil.Process(held.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        started = process.create_time()
    except psutil.NoSuchProcess:
        return False
    # The pid may belong to another process by now. Its start time tells, unless the clock was set
    # in between; then somebody still renews the lease.
    return bool(abs(started - held.process_started) < 1) or is_renewed


def _renew(engine: sa.Engine, lease: Lease, seconds: float, stop: threading.Event) -> None:
    renewed_at = time.monotonic()
    while not stop.wait(seconds / 3):
        try:
            with engine.begin() as connection:
                renewed = connection.execute(
                    leases.update().where(_is(lease)).values(expires=time.time() + seconds)
                )
        except StateError:
            # Tried again until the lease would be somebody else's to take.
            is_lost = time.monotonic() - renewed_at > seconds
        else:
            is_lost = renewed.rowcount == 0
            renewed_at = time.monotonic()
        if is_lost:
            lease.lost.set()
            return


def _is(lease: Lease) -> sa.ColumnElement[bool]:
    return (leases.c.name == lease.name) & (leases.c.token == lease.token)
