"""tritonclient, over HTTP and gRPC, against a bento of each kind of model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipelines.inference.encode import encode_rows
from pipelines.packaging import model_folder
from pipelines.packaging.server import running
from pipelines.serving.served import ServedModel
from tests.serving.bentos import KINDS, Kind, make

CLIENT = Path(__file__).with_name("triton.py")


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_of_the_field_gets_the_models_answers(kind: Kind, tmp_path: Path) -> None:
    bento = make(kind, tmp_path)
    rows = bento.rows(40)  # more than the event loop answers by itself
    with running(bento.tag, bento.home, 60, tmp_path / "server.log") as server:
        told = {
            "http": f"{server.host}:{server.port}",
            "grpc": f"{server.host}:{server.grpc_port}",
            "model": bento.signature.model,
            "rows": rows,
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
    found = json.loads(done.stdout)
    served = ServedModel.open(model_folder(bento.tag, bento.home))
    expected = served.answer(encode_rows(served.schema, rows))
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
