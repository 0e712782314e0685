"""One holder at a time: who may retrain a model now."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import sqlalchemy as sa

from pipelines.errors import BusyError
from pipelines.state.store import leases


@dataclass(frozen=True)
class Lease:
    """A lease that is held. `token` grows with every holder, so a late one can be told apart."""

    name: str
    holder: str
    token: int
    lost: threading.Event = field(default_factory=threading.Event, compare=False)


@contextmanager
def hold(engine: sa.Engine, name: str, holder: str, seconds: float) -> Iterator[Lease]:
    """Hold the lease `name` for the block; it is renewed in the background.

    A lease whose process is dead on this host is taken over at once; one from another host when
    it was not renewed for `seconds`.

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
        with engine.begin() as connection:
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
        if held is None:
            # The token of a released lease is gone, so it continues from the clock.
            token = time.time_ns()
            connection.execute(leases.insert().values(name=name, token=token, **values))
        elif _is_alive(held):
            raise _busy(name, _describe(held))
        else:
            token = max(held.token + 1, time.time_ns())
            connection.execute(
                leases.update().where(leases.c.name == name).values(token=token, **values)
            )
        connection.commit()
    return Lease(name, holder, token)


def _is_alive(held: sa.Row[tuple[object, ...]]) -> bool:
    if held.host != socket.gethostname():
        return bool(held.expires > time.time())
    try:
        # A pid alone may have been given to another process since.
        started = psutil.Process(held.pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return bool(abs(started - held.process_started) < 1)


def _renew(engine: sa.Engine, lease: Lease, seconds: float, stop: threading.Event) -> None:
    while not stop.wait(seconds / 3):
        with engine.begin() as connection:
            renewed = connection.execute(
                leases.update().where(_is(lease)).values(expires=time.time() + seconds)
            )
        if renewed.rowcount == 0:
            lease.lost.set()
            return


def _is(lease: Lease) -> sa.ColumnElement[bool]:
    return (leases.c.name == lease.name) & (leases.c.token == lease.token)
