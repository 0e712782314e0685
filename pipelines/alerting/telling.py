"""One look: read the store, notice what is new, and tell people of it.

To be run every minute or so, by anybody, also by two at once. It reads what others decided and
decides nothing, so that a message that nobody takes changes nothing but its own row.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pipelines.alerting import addresses, noticing, reading, sending, told
from pipelines.alerting.addresses import Address
from pipelines.alerting.events import Event
from pipelines.alerting.messages import Message, message
from pipelines.alerting.sending import Delivery
from pipelines.errors import AlertError
from pipelines.rollout.instant import Instant
from pipelines.settings import AlertSettings, Settings


@dataclass(frozen=True)
class Looked:
    """What came of a look.

    Attributes:
        events: everything that is worth telling now, told before or not.
        sent: those of them that were due.
        deliveries: what became of the message, by address; none if nothing was due, or if nobody is
            to be told.
    """

    events: tuple[Event, ...]
    sent: tuple[Event, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    @property
    def is_lost(self) -> bool:
        """Whether something was to be told and nobody took it."""
        return bool(self.sent) and not any(each.is_taken for each in self.deliveries)


def look(
    engine: sa.Engine,
    settings: Settings,
    environment: Mapping[str, str] = os.environ,
    now: Instant | None = None,
) -> Looked:
    """Tell everybody whose address is known what they were not told yet.

    An address that does not answer is not an error: it is in `deliveries`, and in the store.

    Args:
        engine: of the state store.
        settings: of the project.
        environment: names the addresses.
        now: the moment; read from the clock by default.

    Raises:
        StateError: the store cannot be read or written.
        AlertError: the addresses cannot be read.
    """
    snapshot = reading.read(engine, settings, now)
    found = noticing.events(snapshot, settings.alerts)
    to = addresses.read(settings.alerts.urls_from, environment)
    if not (found and to):
        return Looked(tuple(found))
    due = told.claim(engine, found, settings.alerts, snapshot.at)
    if not due:
        return Looked(tuple(found))
    deliveries = _send(engine, due, to, settings.alerts, snapshot.at)
    return Looked(tuple(found), tuple(due), deliveries)


def try_out(settings: AlertSettings, environment: Mapping[str, str] = os.environ) -> list[Delivery]:
    """Send a message that says it is a test, whatever `least` and `kinds` say.

    Raises:
        AlertError: no address is known, or they cannot be read.
    """
    to = addresses.read(settings.urls_from, environment)
    if not to:
        raise AlertError(
            "nobody would be told: no address is set",
            where=f"the environment variable {settings.urls_from}",
            next_step=f"put URLs of Apprise there, or into a file that {settings.urls_from}_FILE "
            "names",
        )
    body = "This is a test. Evergreen reaches you here when a model needs a person."
    said = Message("info", "[test] Evergreen can reach you", body)
    return list(sending.send(said, to, settings.timeout_seconds))


def _send(
    engine: sa.Engine,
    due: Sequence[Event],
    to: Sequence[Address],
    settings: AlertSettings,
    now: float,
) -> tuple[Delivery, ...]:
    deliveries = sending.send(message(due), to, settings.timeout_seconds)
    problem = "; ".join(f"{each.address}: {each.problem}" for each in deliveries if each.problem)
    if any(each.is_taken for each in deliveries):
        told.mark_told(engine, due, problem or None, now)
    else:
        told.mark_failed(engine, due, problem)
    return deliveries
