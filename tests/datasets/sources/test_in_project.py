"""A relative source begins at the project, also for a run that works in another folder."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from pipelines.datasets.sources import fingerprint, read


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    worktree = tmp_path / "worktree"
    (folder / "data").mkdir(parents=True)
    worktree.mkdir()
    monkeypatch.chdir(worktree)
    monkeypatch.setenv("EVERGREEN_PROJECT", str(folder))
    return folder


def test_files(project: Path) -> None:
    (project / "data" / "a.csv").write_text("x,y\n1,0\n2,1\n")

    assert read("data/*.csv")["x"].tolist() == [1, 2]
    assert [file["name"] for file in fingerprint("data/*.csv")["files"]] == ["a.csv"]


def test_sqlite(project: Path) -> None:
    with sqlite3.connect(project / "shop.db") as connection:
        pd.DataFrame({"x": [1, 2]}).to_sql("orders", connection, index=False)

    assert read("sqlite:///shop.db?table=orders")["x"].tolist() == [1, 2]


def test_an_absolute_path_stays_what_it_is(project: Path, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("x,y\n3,0\n")

    assert read(str(tmp_path / "b.csv"))["x"].tolist() == [3]
