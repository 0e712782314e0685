"""A gateway that really runs, for tests and benchmarks."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from pipelines.errors import GatewayError
from pipelines.gateway import Access, ModelTable, Security, Table, apply, prepare, read_access_log
from pipelines.gateway.access_log import SETTLED_SECONDS
from pipelines.gateway.admin import Admin, DownError, wait_until
from pipelines.ports import free_ports
from pipelines.settings import Settings, parse
from tests.gateway.upstreams import Upstream

PATIENCE = 60.0
INGEST = {"dataset": "digits", "source": "package:scikit-learn"}
MODEL: dict[str, Any] = {"ingest": INGEST, "train": {"family": "svm"}}


def settings(**gateway: Any) -> Settings:
    """The models `flights` and `digits`, behind a gateway without TLS on free ports."""
    port, metrics = free_ports(2)
    ways = {"port": port, "metrics_port": metrics, "tls": {"mode": "off"}}
    content = {"models": {"flights": MODEL, "digits": MODEL}, "gateway": ways | gateway}
    return parse(content)


def table(*upstreams: Upstream, **more: Any) -> Table:
    """The model `flights`: the first upstream is the champion and has all by default."""
    listening: dict[str, Any] = {}
    for upstream in upstreams:
        known = listening.get(upstream.version, ())
        listening[upstream.version] = (*known, upstream.endpoint)
    champion = upstreams[0].version
    given = {"champion": champion, "weights": {champion: 100}, "upstreams": listening}
    return Table((ModelTable("flights", **(given | more)),))


class Gate:
    """One gateway: its folder, its settings, and its process when it runs."""

    def __init__(self, folder: Path, known: Settings, security: Security) -> None:
        self.folder = folder
        self.settings = known
        self.argv = prepare(folder, known, security)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "envoy.log"
        scheme = "http" if known.gateway.tls.mode == "off" else "https"
        self.url = f"{scheme}://127.0.0.1:{known.gateway.port}"
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE)
        self.admin = Admin(folder)

    def start(self) -> float:
        """Start Envoy as Supervisor does, and return after how many seconds it answered."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log)
        assert wait_until(self._answers, PATIENCE), self.log.read_text()
        return time.monotonic() - began

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            # Live comes before the dynamic files are read.
            return self.admin.get("/ready").strip() == "LIVE" and self._listens()
        except (DownError, GatewayError):  # not yet there, or there and not ready
            return False

    def _listens(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=1, verify=False).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def apply(self, wanted: Table, now: float | None = None) -> int:
        return apply(self.folder, wanted, time.time() if now is None else now)

    def predict(self, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        return self.client.post("/flights/predict", json={"rows": []}, headers=headers, **more)

    def logged(self, begin: float = 0.0) -> list[Access]:
        """What the access log has, when it has all of it."""
        time.sleep(SETTLED_SECONDS)
        return list(read_access_log(self.folder, begin, time.time()))

    def close(self) -> None:
        self.client.close()
        self.kill()


@contextmanager
def gate(
    folder: Path | None = None,
    known: Settings | None = None,
    security: Security | None = None,
    *,
    is_started: bool = True,
) -> Iterator[Gate]:
    """A gateway in a folder that is short enough for sockets, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="eg-") as short:
        found = Gate(folder or Path(short), known or settings(), security or Security.off())
        try:
            if is_started:
                found.start()
            yield found
        finally:
            found.close()


def version_of(response: httpx.Response) -> str:
    assert response.status_code == 200, (response.status_code, response.text)
    return str(json.loads(response.text)["version"])
