"""What is being answered is answered, and then Envoy may end."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.gateway import drain
from tests.gateway.gate import gate, table
from tests.gateway.upstreams import Fleet
from tests.waiting import until

V3 = "flights@v3"


def test_a_request_that_is_under_way_is_answered(fleet: Fleet) -> None:
    server = fleet.start(V3, delay=1.0)
    with gate() as found:
        found.apply(table(server))
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(found.predict().status_code))
        thread.start()
        until(lambda: server.seen)
        assert not drain(found.folder, 0.0)
        assert drain(found.folder, 20.0)
        assert found.process is not None
        found.process.terminate()
        thread.join(20)
        assert answers == [200]
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{found.url}/healthz")


def test_nothing_runs_and_nothing_has_to_be_waited_for(tmp_path: Path) -> None:
    assert drain(tmp_path, 0.0)
