"""Asking a model server over REST, as any client would."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import PackageError
from pipelines.packaging.server import Server

TIMEOUT_SECONDS = 30.0
_MOST_BYTES = 2 * 1024 * 1024
Row = dict[str, Any]


class Client:
    """One kept-alive connection to a model server."""

    def __init__(self, server: Server) -> None:
        self._where = f"http://{server.host}:{server.port}/predict"
        self._connection = http.client.HTTPConnection(
            server.host, server.port, timeout=TIMEOUT_SECONDS
        )

    def predict(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The server's answer to `{"rows": rows}`.

        Raises:
            PackageError: it refuses, breaks off, or answers something else than predictions.
        """
        return self._read(self._post(_body(rows)))

    def scores(self, rows: Sequence[Row], at_once: int = 256) -> NDArray[np.float64]:
        """The probabilities or values of all rows, asked for `at_once` at a time, or as many as
        a request may hold: the row of an image is tens of kilobytes of JSON."""
        at_once = max(1, min(at_once, _MOST_BYTES // max(1, len(_body(rows[:1])))))
        answers = [
            _scores(self.predict(rows[start : start + at_once]))
            for start in range(0, len(rows), at_once)
        ]
        return np.concatenate([np.asarray(answer, dtype=np.float64) for answer in answers])

    def milliseconds(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """How long each row takes, asked one by one: from the first byte out to the last in."""
        taken = []
        for row in rows:
            body = _body([row])
            started = time.perf_counter()
            answer = self._post(body)
            taken.append((time.perf_counter() - started) * 1e3)
            self._read(answer)
        return np.asarray(taken)

    def close(self) -> None:
        self._connection.close()

    def _post(self, body: bytes) -> tuple[int, bytes]:
        try:
            self._connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._fault(f"no answer: {error!r}") from error

    def _read(self, answer: tuple[int, bytes]) -> dict[str, Any]:
        status, content = answer
        if status != http.HTTPStatus.OK:
            raise self._fault(f"status {status}: {content[:500].decode(errors='replace')}")
        try:
            value = json.loads(content)
        except ValueError:
            value = None
        if not isinstance(value, dict) or not isinstance(_scores(value), list):
            raise self._fault(f"not a prediction: {content[:200]!r}")
        return value

    def _fault(self, problem: str) -> PackageError:
        return PackageError(
            problem, where=self._where, next_step="read the end of the server's log"
        )


def _scores(answer: dict[str, Any]) -> Any:
    return answer.get("probabilities", answer.get("values"))


def _body(rows: Sequence[Row]) -> bytes:
    return json.dumps({"rows": list(rows)}, allow_nan=False).encode()
