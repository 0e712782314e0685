"""One Envoy for tests that only apply tables, and servers that end with the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.gateway import Table
from tests.gateway.gate import Gate, gate
from tests.gateway.upstreams import Fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    started = Fleet()
    yield started
    started.close()


@pytest.fixture(scope="package")
def _shared() -> Iterator[Gate]:
    with gate() as found:
        yield found


@pytest.fixture
def running(_shared: Gate) -> Iterator[Gate]:
    """An Envoy without a model; the one before leaves nothing behind."""
    yield _shared
    _shared.apply(Table())
