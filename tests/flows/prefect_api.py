"""A Prefect server's API, as its clients use it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tests.waiting import until

# A server that is asked all the time has none for its runs.
_EVERY_SECONDS = 0.5
_MOST_ASKED = 20


class PrefectApi:
    """One server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def post(self, path: str, content: object = None) -> Any:
        body = json.dumps({} if content is None else content).encode()
        request = urllib.request.Request(
            f"{self._url}/{path}", body, {"content-type": "application/json"}
        )
        said = _answer(request)
        return json.loads(said) if said else None

    def deployment(self, name: str) -> str:
        [found] = self.post("deployments/filter", {"deployments": {"name": {"any_": [name]}}})
        return str(found["id"])

    def start(self, name: str, **parameters: object) -> str:
        """Ask for a run of a deployment now; its id."""
        asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.post(f"deployments/{self.deployment(name)}/create_flow_run", asked)["id"])

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """The runs of a deployment that somebody asked for, the oldest first."""
        wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
        found: list[dict[str, Any]] = self.post("flow_runs/filter", wanted)
        return [run for run in found if not run["auto_scheduled"]]

    def run(self, run: str) -> dict[str, Any]:
        [found] = self.post("flow_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
        return dict(found)

    def log(self, run: str) -> list[str]:
        wanted = {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200}
        return [line["message"] for line in self.post("logs/filter", wanted)]

    def ended(self, run: str, seconds: float = 600) -> str:
        """Wait until a run is over: the name of its last state."""
        patiently(lambda: self._is_over(run), seconds)
        return str(self.run(run)["state"]["name"])

    def is_told(self, run: str, event: str) -> bool:
        """Whether the server has heard an event of a run."""
        resource = {"id": [f"prefect.flow-run.{run}"]}
        wanted = {"filter": {"event": {"name": [event]}, "resource": resource}}
        return bool(self.post("events/filter", wanted)["events"])

    def _is_over(self, run: str) -> bool:
        over = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        return self.run(run)["state_type"] in over


def _answer(request: urllib.request.Request) -> bytes:
    """What is said; a server whose database is busy says 503, and its clients ask again."""
    for _ in range(_MOST_ASKED):
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        time.sleep(_EVERY_SECONDS)
    raise AssertionError(f"{request.full_url} is busy all the time")


def patiently(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for what costs a request to a server; fails when it does not come true."""
    until(condition, seconds, _EVERY_SECONDS)
