"""tritonclient, over HTTP and gRPC, against a bento of each kind of model."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.packaging.server import running
from tests.serving.bentos import KINDS, Kind, make
from tests.serving.inference_protocol.asked import by_triton, require_the_models_answers


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_of_the_field_gets_the_models_answers(kind: Kind, tmp_path: Path) -> None:
    bento = make(kind, tmp_path)
    with running(bento.tag, bento.home, 60, tmp_path / "server.log") as server:
        found = by_triton(bento, server)
    require_the_models_answers(found, bento)
