"""What was planted stays on record, model by model."""

from __future__ import annotations

from pathlib import Path

from pipelines.state import faults, store


def test_the_newest_is_first_and_a_clearing_has_no_fault(tmp_path: Path) -> None:
    engine = store.connect(tmp_path / "state.db")
    told = {"percent": 10, "what": "wait 200 ms"}
    faults.record(engine, "flights", "ops (anna)", told)
    faults.record(engine, "digits", "ops (anna)", told)
    faults.record(engine, "flights", "bert", None)
    found = faults.history(engine, "flights")
    assert [(each.who, each.fault) for each in found] == [("bert", None), ("ops (anna)", told)]
    assert faults.history(engine, "mnist") == []
