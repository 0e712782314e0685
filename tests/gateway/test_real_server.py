"""The gateway before a real model server: every door, its health checks, and its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.gateway import Endpoint, ModelTable, Table
from pipelines.packaging.server import running as serving
from tests.gateway.gate import Gate
from tests.gateway.test_routes import infer
from tests.packaged import Packaged, artifact, packaged

__all__ = ["artifact", "packaged"]
V3 = "flights@v3"
ROW = {"distance": 3.5, "departure_hour": 7, "wind_speed": None, "carrier": "UA", "origin": "JFK"}


@pytest.mark.slow
def test_a_bento_is_served_through_every_door(
    running: Gate, packaged: Packaged, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(packaged.tag, packaged.home, 60, tmp_path / "server.log") as server:
        here = (Endpoint(server.host, server.port, server.grpc_port),)
        model = ModelTable("flights", V3, {V3: 100}, {V3: here}, fallback={"label": None})
        running.apply(Table((model,)))
        assert "not ready" not in caplog.text  # both of its health checks were passed
        answer = running.client.post("/flights/predict", json={"rows": [ROW]})
        assert answer.status_code == 200, answer.text
        assert "x-evergreen-fallback" not in answer.headers
        assert answer.headers["x-model-version"] == "v3"
        for path in ("/flights/v2/models/flights", "/v2/models/flights/ready"):
            assert running.client.get(path).status_code == 200
        assert infer(running, {"x-model": "flights"}, "ModelReady").ready
        # The server's own refusals reach the client as they are.
        wrong = running.client.post("/flights/predict", json={"rows": [{"distance": "far"}]})
        assert wrong.status_code == 422
        assert wrong.json()["column"] == "distance"
        assert running.client.get("/flights/predict").status_code == 405
    assert running.predict().json() == {"label": None}
