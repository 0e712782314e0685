"""Our messages against those of tritonclient: the same names, numbers and types on the wire."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.serving.inference_protocol import generated
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from tests.serving.inference_protocol.generated.described import described

PROTO = Path(generated.__file__).parents[1] / "open_inference.proto"
# A process of its own: both define messages of the same names.
PROGRAM = """
import json
from tests.serving.inference_protocol.generated.described import described
from tritonclient.grpc import service_pb2
print(json.dumps(described(service_pb2.DESCRIPTOR)))
"""


@pytest.fixture(scope="module")
def theirs() -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


OURS = described(pb.DESCRIPTOR)


def test_we_have_what_the_protocol_needs() -> None:
    assert {"inference.ModelInferRequest", "inference.ModelInferResponse"} <= OURS[
        "messages"
    ].keys()
    assert len(OURS["services"]["inference.GRPCInferenceService"]) == 6


@pytest.mark.parametrize("name", sorted(OURS["messages"]))
def test_a_message_has_their_fields(name: str, theirs: Any) -> None:
    known = theirs["messages"][name]
    for field, told in OURS["messages"][name].items():
        assert known[field] == told, field


def test_methods_take_and_give_their_messages(theirs: Any) -> None:
    [(service, methods)] = OURS["services"].items()
    for method, told in methods.items():
        assert theirs["services"][service][method] == told, method


def test_the_code_is_that_of_the_definition(tmp_path: Path) -> None:
    """`make proto` was run since the definition was changed last."""
    # A process of its own: the compiler brings a protobuf that does not bear others beside it.
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO.parent}"]
    subprocess.run([*command, f"--python_out={tmp_path}", str(PROTO)], check=True, timeout=60)
    made = (tmp_path / "open_inference_pb2.py").read_text(encoding="utf-8")

    assert made == Path(pb.__file__).read_text(encoding="utf-8")
