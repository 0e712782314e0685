"""The same rules in PostgreSQL: one open rollout a model, one writer."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from pipelines.errors import BusyError
from pipelines.rollout import store
from pipelines.rollout.state import Phase
from pipelines.state import store as state_store
from tests.rollout.builders import begun, exposures, good, look, plan, ready
from tests.tuning.postgres import running


@pytest.mark.slow
def test_it_works_in_postgresql(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with running() as server:
        server.empty()
        address = f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/postgres"
        monkeypatch.setenv("EVERGREEN_DATABASE_URL", address)
        engine = state_store.connect(tmp_path / "unused.db")
        first = store.open_new(engine, ready())
        with pytest.raises(BusyError):
            store.open_new(engine, structs.replace(begun(), plan=plan("r-2")))
        second = store.claim(engine, "alpha")
        with pytest.raises(BusyError):
            store.save(engine, first, good(first.state).state)
        advance = good(second.state)
        third = store.save(engine, second, advance.state, advance.verdict)
        assert store.current(engine, "alpha") == third
        ended = look(third.state, exposures(5, 1000, 90, 10))
        store.save(engine, third, ended.state, ended.verdict)
        assert ended.state.phase is Phase.ROLLED_BACK
        assert store.current(engine, "alpha") is None
        assert [change.phase for change in store.history(engine, "r-1")] == [
            "mirroring",
            "stepping",
            "rolled back",
        ]
        engine.dispose()
