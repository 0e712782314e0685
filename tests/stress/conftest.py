"""The shared model folder and bento, and plans that send its golden rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipelines import golden
from pipelines.signature import Signature
from pipelines.stress import DOORS, Plan
from tests.packaged import Packaged, artifact, packaged

__all__ = ["artifact", "packaged", "planned"]
Planned = Callable[..., Plan]


@pytest.fixture(scope="session")
def planned(packaged: Packaged) -> Planned:
    """A plan against a URL, with the golden rows of the bento."""
    schema = Signature.read(packaged.artifact).schema
    known = golden.read(packaged.artifact, schema)
    rows = golden.rows(known, schema)
    model = Signature.read(packaged.artifact).model

    def bodies(door: str) -> tuple[bytes, ...]:
        return tuple(DOORS[door].body(schema, model, row) for row in rows)

    expected = tuple((answer,) for answer in golden.answers(known, schema).tolist())

    def plan(url: str, door: str = "predict", **changes: Any) -> Plan:
        usual: dict[str, Any] = {
            "url": url,
            "door": door,
            "path": DOORS[door].path(model) if door in DOORS else "/",
            "version": "v3",
            "rate": 50.0,
            "seconds": 2.0,
            "users": 8,
            "bodies": bodies(door if door in DOORS else "predict"),
            "expected": expected,
            "warm_up_seconds": 0.5,
        }
        return Plan(**{**usual, **changes})

    return plan
