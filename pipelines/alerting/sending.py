"""Sends one message to every address at once, each within its time, and says what came of it."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.alerting.addresses import Address
from pipelines.alerting.messages import Message
from pipelines.settings import Severity

if TYPE_CHECKING:
    from apprise import NotifyBase

_TYPES: dict[Severity, str] = {"info": "info", "warning": "warning", "critical": "failure"}
_STATUS = re.compile(r"error=(\d{3})\b")
_LOGGER = "apprise"


@dataclass(frozen=True)
class Delivery:
    """What became of a message at one address; `problem` is "" if it was taken."""

    address: str
    problem: str

    @property
    def is_taken(self) -> bool:
        return not self.problem


def send(
    message: Message, addresses: Sequence[Address], timeout_seconds: float
) -> tuple[Delivery, ...]:
    """Send a message; whatever an address does, this returns after about `timeout_seconds`.

    Args:
        message: what to send.
        addresses: to whom.
        timeout_seconds: for each to connect and to answer.

    Returns:
        One delivery an address, in their order.
    """
    with _Heard() as heard:
        attempts = [_Attempt(each, message, heard, timeout_seconds) for each in addresses]
        for attempt in attempts:
            attempt.start()
        # Connecting and answering have a limit each; names that nobody resolves have none.
        until = time.monotonic() + timeout_seconds
        for attempt in attempts:
            attempt.join(max(0.0, until - time.monotonic()))
        return tuple(attempt.delivery() for attempt in attempts)


class _Attempt(threading.Thread):
    """A daemon: an address that hangs for ever must not keep the process from ending."""

    def __init__(
        self, address: Address, message: Message, heard: _Heard, timeout_seconds: float
    ) -> None:
        super().__init__(name=f"alert-{address.name}", daemon=True)
        self._address, self._message, self._heard = address, message, heard
        self._timeout_seconds = timeout_seconds
        self._problem: str | None = None

    def run(self) -> None:
        try:
            self._problem = self._send()
        # The fault of one service must not keep the others from being told. Its text may hold the
        # address, so that only its kind is passed on.
        except Exception as error:  # noqa: BLE001
            self._problem = f"its service broke down with {type(error).__name__}"

    def delivery(self) -> Delivery:
        late = f"no answer within {self._timeout_seconds:g} s"
        return Delivery(self._address.name, late if self._problem is None else self._problem)

    def _send(self) -> str:
        from apprise import NotifyType

        plugin = _plugin(self._address, self._timeout_seconds)
        if plugin is None:
            return "Apprise knows no such service, or the URL lacks a part"
        said = self._message
        kind = NotifyType(_TYPES[said.severity])
        is_taken = plugin.notify(body=said.body, title=said.title, notify_type=kind)
        return "" if is_taken else _reason(self._heard.of_this_thread())


class _Heard(logging.Handler):
    """What Apprise says while it sends, by thread; it is the only place where it gives reasons.

    Kept from everybody else: it may hold parts of an address.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.setdefault(threading.get_ident(), []).append(record.getMessage())

    def of_this_thread(self) -> str:
        return " ".join(self._lines.get(threading.get_ident(), []))

    def __enter__(self) -> _Heard:
        logger = logging.getLogger(_LOGGER)
        logger.propagate = False
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logger = logging.getLogger(_LOGGER)
        logger.removeHandler(self)
        # Threads that are late may say something yet; without anybody, Python would print it.
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _reason(said: str) -> str:
    status = _STATUS.search(said)
    if status is not None:
        return f"it answered {status[1]}"
    if "onnection error" in said:
        return "it could not be reached, or did not answer in time"
    return "it did not take the message, and its service gives no reason"


def _plugin(address: Address, timeout_seconds: float) -> NotifyBase | None:
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(
        app_id="Evergreen",
        app_desc="Evergreen",
        secure_logging=True,
        # An address is somebody whom the owner trusts; who it sends us on to is not.
        http_redirects=False,
        storage_mode="memory",
    )
    found = Apprise.instantiate(address.url, asset=asset)
    if found is not None:
        found.socket_connect_timeout = found.socket_read_timeout = timeout_seconds
    return found
