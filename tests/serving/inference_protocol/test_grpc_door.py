"""The gRPC door, opened in this process and asked over a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from pipelines.errors import ModelError
from pipelines.serving.inference_protocol.generated import open_inference_pb2 as pb
from pipelines.serving.inference_protocol.grpc_door import SERVICE, GrpcDoor
from tests.serving import graphs
from tests.serving.doors import answering

LOOPBACK = "127.0.0.1:0"
Question = Callable[[Any], Awaitable[Any]]


def opened(folder: Path, question: Question, schema: Any = graphs.TABLE, **policy: Any) -> Any:
    """What `question` finds out over a channel to a door of a model."""

    async def ask() -> Any:
        door = GrpcDoor(answering(folder, schema, **policy), "v3")
        port = await door.open(LOOPBACK)
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                return await question(channel)
        finally:
            await door.close()

    return asyncio.run(ask())


def method(channel: Any, name: str, answer: Any) -> Any:
    return channel.unary_unary(
        f"/{SERVICE}/{name}",
        request_serializer=lambda sent: (
            sent if isinstance(sent, bytes) else sent.SerializeToString()
        ),
        response_deserializer=answer.FromString,
    )


def request(rows: int = 1, **changed: Any) -> Any:
    made = pb.ModelInferRequest(model_name="flights", id="7")
    for name, value in {"a": 1.0, "b": 0.5, "city": b"Oslo", **changed}.items():
        is_word = name == "city"
        given = made.inputs.add(name=name, datatype="BYTES" if is_word else "FP64", shape=[rows, 1])
        field = given.contents.bytes_contents if is_word else given.contents.fp64_contents
        field.extend([value] * rows)
    return made


def refusal(folder: Path, sent: Any, name: str = "ModelInfer", **policy: Any) -> Any:
    """The error of a call."""

    async def question(channel: Any) -> Any:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(channel, name, pb.ModelInferResponse)(
                sent, metadata=(("x-request-id", "abc"),), timeout=60
            )
        return caught.value

    return opened(folder, question, **policy)


def test_it_infers_and_says_who_answered_whom(tmp_path: Path) -> None:
    async def question(channel: Any) -> Any:
        call = method(channel, "ModelInfer", pb.ModelInferResponse)(
            request(), metadata=(("x-request-id", "abc"),)
        )
        return await call, dict(await call.trailing_metadata())

    answer, told = opened(tmp_path / "model", question)

    assert told["x-request-id"] == "abc"
    assert told["x-model-version"] == "v3"
    assert (answer.model_name, answer.model_version, answer.id) == ("flights", "v3", "7")
    [probability] = np.frombuffer(answer.raw_output_contents[0])
    assert probability == pytest.approx(graphs.probability(5.5), abs=1e-6)


@pytest.mark.parametrize("given", [b"\xff\0", b"two words", b"x" * 129])
def test_a_request_id_that_cannot_be_kept_is_replaced(given: bytes, tmp_path: Path) -> None:
    async def question(channel: Any) -> Any:
        call = method(channel, "ModelInfer", pb.ModelInferResponse)(
            request(), metadata=(("x-request-id-bin", given),)
        )
        await call
        return dict(await call.trailing_metadata())["x-request-id"]

    assert len(opened(tmp_path / "model", question)) == 32


def test_it_lives_is_ready_and_tells_of_itself(tmp_path: Path) -> None:
    async def question(channel: Any) -> None:
        live = await method(channel, "ServerLive", pb.ServerLiveResponse)(b"")
        ready = await method(channel, "ServerReady", pb.ServerReadyResponse)(b"")
        assert live.live
        assert ready.ready
        told = await method(channel, "ServerMetadata", pb.ServerMetadataResponse)(b"")
        assert (told.name, told.version) == ("evergreen", "v3")
        for version in ("", "3", "v3"):
            name = pb.ModelReadyRequest(name="flights", version=version)
            assert (await method(channel, "ModelReady", pb.ModelReadyResponse)(name)).ready
        about = await method(channel, "ModelMetadata", pb.ModelMetadataResponse)(name)
        assert [one.name for one in about.inputs] == ["a", "b", "city"]
        assert list(about.outputs[0].shape) == [-1]

    opened(tmp_path / "model", question)


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_says_that_it_serves(service: str, tmp_path: Path) -> None:
    async def question(channel: Any) -> Any:
        check = health_pb2.HealthCheckRequest(service=service)
        return (await health_pb2_grpc.HealthStub(channel).Check(check)).status

    assert opened(tmp_path / "model", question) == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_service_and_its_file(tmp_path: Path) -> None:
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
    ]

    async def question(channel: Any) -> Any:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        return [answer async for answer in stub.ServerReflectionInfo(iter(asked))]

    services, file = opened(tmp_path / "model", question)
    assert SERVICE in [one.name for one in services.list_services_response.service]
    assert b"ModelInferRequest" in file.file_descriptor_response.file_descriptor_proto[0]


@pytest.mark.parametrize("name", ["ModelInfer", "ModelReady", "ModelMetadata"])
@pytest.mark.parametrize(("model", "version"), [("nobody", ""), ("flights", "9"), ("", "")])
def test_another_model_or_version_is_not_found(
    name: str, model: str, version: str, tmp_path: Path
) -> None:
    if name == "ModelInfer":
        sent: Any = pb.ModelInferRequest(model_name=model, model_version=version)
    else:
        sent = pb.ModelReadyRequest(name=model, version=version)
    error = refusal(tmp_path / "model", sent, name)

    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert "ask for 'flights', version 'v3'" in error.details()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (request(a=float("inf")), "row 0 (counted from 0), column 'a'"),
        (request(city=b"\xff"), "column 'city': not UTF-8"),
        (pb.ModelInferRequest(model_name="flights"), "column 'a': the input is missing"),
        (request(speed=1.0), "column 'speed': the model has no such column"),
        (b"\xff\xff", "message: not a message of the type inference.ModelInferRequest"),
        (request().SerializeToString()[:-3], "message: not a message"),
    ],
    ids=range(6),
)
def test_what_cannot_be_used_is_named(sent: Any, words: str, tmp_path: Path) -> None:
    error = refusal(tmp_path / "model", sent)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in error.details()
    assert dict(error.trailing_metadata())["x-request-id"] == "abc"


@pytest.mark.parametrize("name", ["ServerLive", "ServerReady", "ModelReady", "ModelMetadata"])
def test_bytes_that_are_no_message_are_refused_everywhere(name: str, tmp_path: Path) -> None:
    error = refusal(tmp_path / "model", b"\xff\xff", name)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("rows", "policy"),
    [(3, {"max_rows": 2}), (3000, {"max_rows": 4096, "max_body_megabytes": 0.01})],
)
def test_more_than_is_taken_at_once_is_too_much(
    rows: int, policy: dict[str, Any], tmp_path: Path
) -> None:
    error = refusal(tmp_path / "model", request(rows), **policy)

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_crowd_is_told_to_come_again(tmp_path: Path) -> None:
    assert refusal(tmp_path / "model", request(), max_concurrency=0).code() is (
        grpc.StatusCode.UNAVAILABLE
    )


def test_a_fault_of_ours_gives_nothing_away_but_the_request_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    real = GrpcDoor.__init__

    def then_break(self: GrpcDoor, *arguments: Any) -> None:
        real(self, *arguments)
        monkeypatch.setattr("pipelines.serving.served.ServedModel.answer", broken)

    monkeypatch.setattr(GrpcDoor, "__init__", then_break)
    error = refusal(tmp_path / "model", request())

    assert error.code() is grpc.StatusCode.INTERNAL
    assert "its log has request abc" in error.details()
    assert "secret" not in error.details()
    assert "a secret" in caplog.text


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async def ask(address: str) -> None:
        await GrpcDoor(answering(tmp_path / "model"), "v3").open(address)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ModelError, match="gRPC cannot listen") as caught:
            asyncio.run(ask(address))
    assert caught.value.where == address
    assert "EVERGREEN_GRPC" in caught.value.next_step


def test_closing_a_door_that_was_never_open_does_nothing(tmp_path: Path) -> None:
    asyncio.run(GrpcDoor(answering(tmp_path / "model"), "v3").close())
