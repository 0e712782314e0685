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
_LOGGERS = ("apprise", "urllib3.connectionpool")


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
    for logger in _LOGGERS:
        logging.getLogger(logger).addFilter(_keep_to_itself)
    attempts = [_Attempt(each, message, timeout_seconds) for each in addresses]
    for attempt in attempts:
        attempt.start()
    # Connecting and answering have a limit each; names that nobody resolves have none.
    until = time.monotonic() + timeout_seconds
    for attempt in attempts:
        attempt.join(max(0.0, until - time.monotonic()))
    return tuple(attempt.delivery() for attempt in attempts)


class _Attempt(threading.Thread):
    """A daemon: an address that hangs for ever must not keep the process from ending."""

    def __init__(self, address: Address, message: Message, timeout_seconds: float) -> None:
        super().__init__(name=f"alert-{address.name}", daemon=True)
        self.heard: list[str] = []
        self._address, self._message = address, message
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
        return "" if is_taken else _reason(" ".join(self.heard))


def _keep_to_itself(record: logging.LogRecord) -> bool:
    """Let nobody read what is logged while we send, but for the attempt, which finds reasons there.

    Apprise prints whole tokens when it does not like them, urllib3 paths. The filter stays: an
    attempt that is late still logs when nobody waits for it any more.
    """
    thread = threading.current_thread()
    if not isinstance(thread, _Attempt):
        return True
    thread.heard.append(record.getMessage())
    return False


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
