"""What the gateway was told, remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.gateway.table import Endpoint, ModelTable, Table
from pipelines.paths import HomePaths
from pipelines.stack import applied

TABLE = Table(
    (
        ModelTable(
            "alpha",
            "alpha@v1",
            {"alpha@v1": 95, "alpha@v2": 5},
            {
                "alpha@v1": (Endpoint("127.0.0.1", 1, 2), Endpoint("127.0.0.1", 3, 4)),
                "alpha@v2": (Endpoint("127.0.0.1", 5, 6),),
            },
            mirror="alpha@v2",
        ),
    )
)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    home = HomePaths(tmp_path)
    assert applied.read(home) == applied.NOTHING
    told = applied.of(TABLE, 7)
    applied.write(told, home)
    assert applied.read(home) == told
    assert told.upstreams["alpha@v2"] == (Endpoint("127.0.0.1", 5, 6),)
    assert (told.generation, told.weights["alpha"]["alpha@v2"], told.mirror["alpha"]) == (
        7,
        5,
        "alpha@v2",
    )


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"upstreams": {"a": [{}]}}', '{"upstreams": {}, "more": 1}']
)
def test_what_cannot_be_read_is_nothing(tmp_path: Path, content: str) -> None:
    home = HomePaths(tmp_path)
    applied.path(home).parent.mkdir(parents=True)
    applied.path(home).write_text(content)
    assert applied.read(home) == applied.NOTHING
