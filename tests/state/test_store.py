from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.errors import StateError
from pipelines.state import ledger, runs, store


def test_a_file_that_is_no_database_is_named_with_a_next_step(database: Path) -> None:
    database.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StateError) as caught:
        store.connect(database)
    assert str(database) in str(caught.value)
    assert "moved away" in caught.value.next_step


def test_a_database_that_breaks_while_it_is_open_is_named_too(
    engine: sa.Engine, database: Path
) -> None:
    for number in range(200):
        runs.begin(engine, f"model_{number}", "base", {}, "x" * 500)
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (database.stat().st_size - 4096))
    with pytest.raises(StateError, match="malformed") as caught:
        ledger.live(engine, "alpha")
    assert str(database) in str(caught.value)


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StateError):
        store.connect(tmp_path / "file" / "state.db")


def test_a_database_url_that_leads_nowhere_names_the_variable(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVERGREEN_DATABASE_URL", "sqlite:////nowhere/at/all/state.db")
    with pytest.raises(StateError, match="EVERGREEN_DATABASE_URL"):
        store.connect(database)


def test_another_database_can_be_named(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.db"
    monkeypatch.setenv("EVERGREEN_DATABASE_URL", f"sqlite:///{other}")
    runs.begin(store.connect(database), "alpha", "base", {}, "why")
    assert other.exists()
    assert not database.exists()


def test_many_processes_may_be_the_first_at_once(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from pipelines.state import store; "
    script += "store.connect(Path(sys.argv[1]))"
    database = str(tmp_path / "state.db")
    started = [
        subprocess.Popen([sys.executable, "-c", script, database], stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    said = [process.communicate(timeout=60)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 6, said
