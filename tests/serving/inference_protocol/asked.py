"""Holds what tritonclient is answered to what the model says itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.inference.encode import encode_rows
from pipelines.packaging import model_folder
from pipelines.packaging.server import Server
from pipelines.serving.served import ServedModel
from tests.serving.bentos import Bento

CLIENT = Path(__file__).with_name("triton.py")
ROWS = 40  # more than the event loop answers by itself


def by_triton(bento: Bento, server: Server) -> dict[str, Any]:
    """All that tritonclient is answered, by form; it fails where the client does."""
    told = {
        "http": f"{server.host}:{server.port}",
        "grpc": f"{server.host}:{server.grpc_port}",
        "model": bento.signature.model,
        "rows": bento.rows(ROWS),
    }
    done = subprocess.run(
        [sys.executable, str(CLIENT)],
        input=json.dumps(told),
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def require_the_models_answers(found: dict[str, Any], bento: Bento) -> None:
    served = ServedModel.open(model_folder(bento.tag, bento.home))
    expected = served.answer(encode_rows(served.schema, bento.rows(ROWS)))
    for form in ("binary", "json", "grpc"):
        answer = found[form]
        assert (answer["live"], answer["ready"], answer["model_ready"]) == (True, True, True)
        assert (answer["version"], answer["id"]) == ("v3", "7")
        assert answer["outputs"].keys() == expected.keys()
        for name, values in expected.items():
            if values.dtype.kind == "f":
                assert np.abs(np.asarray(answer["outputs"][name]) - values).max() <= 1e-6
            else:
                assert answer["outputs"][name] == values.tolist()
    assert "nobody" in found["refused"]
