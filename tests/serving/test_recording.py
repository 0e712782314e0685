"""What is recorded of an answer, in each mode, and what stops a server that has to record."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import LogError
from pipelines.inference.encode import encode_rows
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.read import read
from pipelines.schema import Schema
from pipelines.serving import places
from pipelines.serving.context import asked
from pipelines.serving.policy import ServingPolicy
from pipelines.serving.recording import NoRecord, record_of
from tests.waiting import until

SCHEMA = Schema(("x",), ("c",), "y")
HEADERS = [(b"x-request-id", b"r1"), (b"host", b"flights-shadow:80")]


@dataclass
class Model:
    """As much of a model as its record asks for."""

    policy: ServingPolicy
    name: str = "flights"
    version: str = "v3"
    schema: Schema = SCHEMA
    outputs: tuple[Any, ...] = field(default=())


def model(**log: Any) -> Any:
    return Model(ServingPolicy(log=LogPolicy(**log)))


def keep(record: Any) -> None:
    tensors = encode_rows(SCHEMA, [{"x": 1.5, "c": "a"}, {"x": None, "c": None}])
    outputs = {"probability": np.array([0.25, 0.75]), "label": np.array([0, 1])}

    async def wait() -> None:
        if (kept := record.keep([(asked("rest", HEADERS), 2)], tensors, outputs)) is not None:
            await kept

    asyncio.run(wait())


@pytest.mark.parametrize("mode", ["fast", "audit"])
def test_an_answer_is_in_the_log_with_all_that_is_known_of_it(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.PREDICTIONS, str(tmp_path))
    record = record_of(model(mode=mode))
    keep(record)
    record.close()
    table = read(tmp_path)
    assert table.column("request_id").to_pylist() == ["r1", "r1"]
    assert table.column("row").to_pylist() == [0, 1]
    assert table.column("version").to_pylist() == ["flights@v3"] * 2
    assert table.column("door").to_pylist() == ["rest"] * 2
    assert table.column("is_shadow").to_pylist() == [True, True]
    assert table.column("feature_x").to_pylist() == [1.5, None]
    assert table.column("output_probability").to_pylist() == [0.25, 0.75]
    assert all(0 <= latency < 60e6 for latency in table.column("latency_us").to_pylist())
    assert record.counts["written"] == 2


def test_it_knows_how_the_log_is_doing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "log"
    monkeypatch.setenv(places.PREDICTIONS, str(folder))
    folder.mkdir()
    (folder / "20261122T035006123456-8b1f06c2d9a47e52.arrows").write_bytes(b"no batch")
    record = record_of(model())
    until(lambda: record.files["torn"] == 1)
    assert record.files["unclosed"] == 0
    assert not record.has_problem
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()  # as a disk does that is gone
    keep(record)
    until(lambda: record.counts["failed"] == 2)
    assert record.has_problem
    folder.mkdir()
    keep(record)
    until(lambda: not record.has_problem)
    record.close()
    assert record.counts["written"] == 2


def test_off_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.PREDICTIONS, str(tmp_path))
    record = record_of(model(mode="off"))
    keep(record)
    record.close()
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_it_says_that_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(places.PREDICTIONS, raising=False)
    monkeypatch.setattr(logging.getLogger("pipelines"), "propagate", True)
    assert isinstance(record_of(model(mode="fast")), NoRecord)
    assert "answers are not logged: EVERGREEN_PREDICTIONS is not set" in caplog.text


def test_without_a_folder_audit_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(places.PREDICTIONS, raising=False)
    with pytest.raises(LogError, match="no folder to log to") as caught:
        record_of(model(mode="audit"))
    assert caught.value.where == places.PREDICTIONS


def test_identifiers_need_their_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(places.PREDICTIONS, str(tmp_path / "log"))
    monkeypatch.setenv(places.KEY, str(tmp_path / "nowhere"))
    with pytest.raises(LogError, match="key of identifiers cannot be read"):
        record_of(model(identifiers=("c",)))
    (tmp_path / "key").write_text("k" * 64, encoding="utf-8")
    monkeypatch.setenv(places.KEY, str(tmp_path / "key"))
    record = record_of(model(identifiers=("c",)))
    keep(record)
    record.close()
    [first, missing] = read(tmp_path / "log").column("feature_c").to_pylist()
    assert first not in ("a", None)
    assert len(first) == 32
    assert missing is None
