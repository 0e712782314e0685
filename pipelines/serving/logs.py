"""A server's own log: one JSON object a line, whoever wrote it, for machines to search."""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

from pipelines.serving.served import Servable

_LOGGER = logging.getLogger(__name__)
_OURS = "pipelines"
# uvicorn puts a line together for each request as long as anybody might take it.
_REQUESTS = "uvicorn.access"


class JsonLines(logging.Formatter):
    """Time, level, message, logger, model and version, and the traceback if there is one."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, str] = {}

    def serve(self, model: Servable) -> None:
        """Name a model in every line from now on."""
        self._known = {"model": model.name, "version": model.version}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "message": _message(record),
            "logger": record.name,
            "pid": record.process,
            **self._known,
        }
        if record.exc_info:
            line["traceback"] = _sendable(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = _sendable(record.stack_info)
        return msgspec.json.encode(line).decode()


def _message(record: logging.LogRecord) -> str:
    try:
        return _sendable(record.getMessage())
    except Exception:  # noqa: BLE001 (a line with wrong arguments is a line all the same)
        return _sendable(f"{record.msg} {record.args!r}")


def _sendable(text: str) -> str:
    # A client's own words may be in it, and JSON can spell half a surrogate pair.
    return text.encode(errors="backslashreplace").decode()


# One for the whole process.
LINES = JsonLines()


def configure() -> None:
    """Write what this process logs to standard error, and nowhere twice.

    BentoML, uvicorn and circus bring handlers of their own, some both for a logger and for what is
    above it; BentoML silences whoever was there before it, such as asyncio, which tells of tasks
    that failed.
    """
    for name in list(logging.root.manager.loggerDict):
        each = logging.getLogger(name)
        each.handlers, each.propagate, each.disabled = [], True, False
    logging.getLogger(_REQUESTS).propagate = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LINES)
    logging.root.handlers = [handler]
    logging.getLogger(_OURS).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    _LOGGER.critical("the process ends by an error: %s", error, exc_info=(kind, error, where))


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        name = told.thread.name if told.thread else "that is gone"
        where = (told.exc_type, told.exc_value, told.exc_traceback)
        _LOGGER.critical("the thread %s ends by an error: %s", name, told.exc_value, exc_info=where)


def _unraisable(told: sys.UnraisableHookArgs) -> None:
    _LOGGER.error("nobody could be told of %r, in %r", told.exc_value, told.object)
