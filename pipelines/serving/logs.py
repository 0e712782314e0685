"""A server's own log: one JSON object a line, for machines to search."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipelines.serving.served import Servable

_OURS = "pipelines"


class JsonLines(logging.Formatter):
    """Time, level, message, model and version, and the traceback if there is one."""

    def __init__(self, model: Servable) -> None:
        super().__init__()
        self._known = {"model": model.name, "version": model.version}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "pid": record.process,
            **self._known,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def configure(model: Servable) -> None:
    """Write what our modules log to standard error, and nowhere twice."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines(model))
    ours = logging.getLogger(_OURS)
    ours.handlers = [lines]
    ours.propagate = False
    ours.setLevel(logging.INFO)
    # uvicorn puts a line together for each request as long as anybody might take it.
    requests = logging.getLogger("uvicorn.access")
    requests.handlers = []
    requests.propagate = False
