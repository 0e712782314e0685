"""A started server and thousands of bodies that nobody should send."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import grpc
import pytest

from pipelines.packaging.server import Server, running
from pipelines.schema import Schema
from pipelines.signature import Signature
from tests.packaged import Packaged
from tests.serving import hostile, tricks
from tests.serving.live import Raw, ask_all, megabytes, post, shown

CONNECTIONS = 8
AT_ONCE = 2000
MOST_GROWTH = 0.10
MODEL = "flights"
# What a server says of a request that is at fault; anything else is a fault of the server.
REFUSALS = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@pytest.fixture(scope="module")
def schema(packaged: Packaged) -> Schema:
    return Signature.read(packaged.artifact).schema


@pytest.fixture(scope="module")
def server(packaged: Packaged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("hostile") / "server.log"
    with running(packaged.tag, packaged.home, 60, log) as started:
        yield started
    assert "Traceback" not in log.read_text(encoding="utf-8")


def statuses(server: Server, requests: list[Raw]) -> Counter[int]:
    """How often each status was answered; a fault of the server ends the test."""
    answers = asyncio.run(ask_all(server.port, requests, CONNECTIONS))
    faults = [shown(raw, got, fault) for raw, got in answers if (fault := got.fault())]
    assert faults == []
    # Only who does not keep to the length that it announced may be left without an answer.
    assert [raw.sent[:400] for raw, got in answers if got.status == 0 and raw.is_whole] == []
    return Counter(got.status for _, got in answers)


def codes(server: Server, sent: list[bytes]) -> Counter[grpc.StatusCode]:
    """The same over gRPC."""

    async def ask() -> Counter[grpc.StatusCode]:
        seen: Counter[grpc.StatusCode] = Counter()
        waiting = iter(sent)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")

            async def client() -> None:
                for content in waiting:
                    call = infer(content, timeout=20)
                    code = await call.code()
                    assert code in REFUSALS, (code, await call.details(), content)
                    seen[code] += 1

            await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
        return seen

    return asyncio.run(ask())


def test_every_trick_is_refused(server: Server, schema: Schema) -> None:
    seen = statuses(server, list(tricks.by_hand(MODEL, schema)))

    assert seen.total() > 700
    assert {200, 400, 413, 415, 422} <= seen.keys()


def test_whatever_hypothesis_thinks_of_is_refused(server: Server, schema: Schema) -> None:
    seen = statuses(server, hostile.by_hypothesis(MODEL, schema, 400, seed=1))

    assert seen.total() >= 300
    assert seen[422] > 50


def test_broken_requests_are_refused(server: Server, schema: Schema) -> None:
    seen = statuses(server, list(hostile.by_breaking(MODEL, schema, 800, seed=2)))

    assert {200, 400, 422} <= seen.keys()


def test_broken_messages_are_refused(server: Server, schema: Schema) -> None:
    seen = codes(server, list(hostile.messages(MODEL, schema, 500, seed=3)))

    assert seen.keys() == REFUSALS


def test_good_requests_are_answered_after_all_that(server: Server, schema: Schema) -> None:
    good = post(hostile.PREDICT, json.dumps(hostile.good_rows(schema)).encode(), hostile.JSON)

    assert statuses(server, [good] * 20) == {200: 20}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_bodies_leave_no_trace(
    packaged: Packaged, schema: Schema, tmp_path: Path
) -> None:
    kinds = chain(
        hostile.by_hypothesis(MODEL, schema, 5000, seed=4),
        filter(is_small, tricks.by_hand(MODEL, schema)),
        hostile.by_breaking(MODEL, schema, 100_000, seed=5),
    )
    bodies = islice(kinds, 90_000)
    sent = hostile.messages(MODEL, schema, 10_000, seed=6)
    with running(packaged.tag, packaged.home, 60, tmp_path / "server.log") as server:
        # Bodies of megabytes come before: what the allocator keeps for them, tens of megabytes that
        # vary from round to round, would hide what the many small ones leave behind.
        for _ in range(5):
            statuses(server, shuffled(tricks.by_hand(MODEL, schema)))
        before = settled(server, schema)
        seen: Counter[object] = Counter()
        while part := list(islice(bodies, AT_ONCE)):
            seen.update(statuses(server, part))
        while messages := list(islice(sent, AT_ONCE)):
            seen.update(codes(server, messages))
        after = settled(server, schema)
    print(f"\n{seen.total()} bodies: {dict(seen)}; {before:.1f} MB before, {after:.1f} MB after")

    assert seen.total() >= 100_000
    assert after < before * (1 + MOST_GROWTH)


def is_small(raw: Raw) -> bool:
    return len(raw.sent) < 200_000


def settled(server: Server, schema: Schema) -> float:
    """Megabytes after a round of small bodies, which follow whatever was asked before."""
    statuses(server, shuffled(filter(is_small, tricks.by_hand(MODEL, schema))))
    statuses(server, list(hostile.by_breaking(MODEL, schema, 1000, seed=7)))
    codes(server, list(hostile.messages(MODEL, schema, 1000, seed=7)))
    return megabytes(server)


def shuffled(requests: Iterator[Raw]) -> list[Raw]:
    found = list(requests)
    random.Random(8).shuffle(found)
    return found
