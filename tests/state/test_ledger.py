from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.errors import StateError
from pipelines.state import ledger, store
from pipelines.state.ledger import Promotion

FIRST = Promotion("alpha", "alpha@v1", "c1", "ann", "because", {"bento": "alpha:v1-0"}, "run-1")
SECOND = replace(FIRST, version="alpha@v2", commit="c2", run="run-2")


def test_nothing_is_live_before_the_first_promotion(engine: sa.Engine) -> None:
    assert ledger.live(engine, "alpha") is None
    assert ledger.history(engine, "alpha") == []


def test_the_newest_promotion_is_live_and_knows_the_one_before(engine: sa.Engine) -> None:
    ledger.promote(engine, FIRST)
    ledger.promote(engine, replace(FIRST, model="beta", version="beta@v7", run="run-b"))
    ledger.promote(engine, SECOND)
    live = ledger.live(engine, "alpha")
    assert live is not None
    assert (live.version, live.previous, live.commit) == ("alpha@v2", "alpha@v1", "c2")
    assert live.evidence == {"bento": "alpha:v1-0"}
    assert [entry.version for entry in ledger.history(engine, "alpha")] == ["alpha@v2", "alpha@v1"]


def test_one_run_promotes_once(engine: sa.Engine) -> None:
    written = ledger.promote(engine, FIRST)
    assert ledger.promote(engine, FIRST) == written
    assert len(ledger.history(engine, "alpha")) == 1


@pytest.mark.parametrize("change", ["UPDATE ledger SET version = 'alpha@v9'", "DELETE FROM ledger"])
def test_what_was_written_stays_written(engine: sa.Engine, change: str) -> None:
    entry = ledger.promote(engine, FIRST)
    with (
        pytest.raises((sa.exc.IntegrityError, StateError), match="append-only"),
        engine.begin() as connection,
    ):
        connection.execute(sa.text(change))
    assert ledger.history(engine, "alpha") == [entry]


def test_the_ledger_survives_being_opened_again(engine: sa.Engine, database: Path) -> None:
    entry = ledger.promote(engine, FIRST)
    assert ledger.history(store.connect(database), "alpha") == [entry]
