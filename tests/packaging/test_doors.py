"""The protocol's doors as the proof of a bento asks them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from pipelines import golden
from pipelines.errors import PackageError
from pipelines.inference.columns import encode_batch
from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.packaging.doors import AT_ONCE, over_grpc, over_rest
from pipelines.packaging.server import Server, running
from pipelines.ports import free_ports
from tests.packaged import Packaged

ASK = [over_rest, over_grpc]


@pytest.fixture(scope="module")
def server(packaged: Packaged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("doors") / "server.log"
    with running(packaged.tag, packaged.home, 60, log) as started:
        yield started


@pytest.fixture(scope="module")
def model(packaged: Packaged) -> ModelSession:
    return ModelSession.open(packaged.artifact)


@pytest.fixture(scope="module")
def tensors(packaged: Packaged, model: ModelSession) -> Tensors:
    batch = golden.read(packaged.artifact, model.signature.schema).slice(0, 2 * AT_ONCE + 1)
    return encode_batch(model.signature.schema, batch)


@pytest.mark.parametrize("ask", ASK)
def test_all_rows_are_answered_in_their_order(
    ask: type, server: Server, model: ModelSession, tensors: Tensors
) -> None:
    found = ask(server, "flights", model.signature.schema, tensors)

    np.testing.assert_allclose(found, model.predict(tensors).scores, atol=1e-6, rtol=0)


@pytest.mark.parametrize("ask", ASK)
def test_a_refusal_is_told_with_its_reason(
    ask: type, server: Server, model: ModelSession, tensors: Tensors
) -> None:
    with pytest.raises(PackageError, match="nobody"):
        ask(server, "nobody", model.signature.schema, tensors)
    fewer = replace(model.signature.schema, categories=model.signature.schema.categories[:1])
    with pytest.raises(PackageError, match=r"column 'origin'.*the input is missing"):
        ask(server, "flights", fewer, tensors)


@pytest.mark.parametrize("ask", ASK)
def test_nobody_there_is_no_answer(ask: type, model: ModelSession, tensors: Tensors) -> None:
    port, grpc_port = free_ports(2)
    nobody = Server("127.0.0.1", port, grpc_port, 0.0)

    with pytest.raises(PackageError) as caught:
        ask(nobody, "flights", model.signature.schema, tensors)
    assert "server's log" in caught.value.next_step
