"""A server's own log: one JSON object a line, whoever wrote it, for machines to search."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

from pipelines.serving.served import Servable

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
            "message": record.getMessage(),
            "logger": record.name,
            "pid": record.process,
            **self._known,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


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


def _uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    told = (kind, error, where)
    logging.getLogger(__name__).critical("the process ends by an error: %s", error, exc_info=told)
