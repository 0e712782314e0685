"""A real SQLite file, read and fingerprinted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.datasets import sources
from pipelines.errors import DataError, SourceError


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    run(
        path,
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, price REAL)",
        "INSERT INTO orders VALUES (2, 'b', 2.5), (1, 'a:b', 1), (3, NULL, NULL)",
        "CREATE TABLE loose (x INTEGER, y TEXT)",
        "INSERT INTO loose VALUES (2, 'q'), (1, 'p'), (1, 'p')",
        "CREATE TABLE hollow (x INTEGER)",
        "CREATE VIEW cheap AS SELECT item, price FROM orders WHERE price < 2",
    )
    return path


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_table_is_read_in_the_order_of_its_key(shop: Path) -> None:
    frame = sources.read(f"sqlite:///{shop}?table=orders")
    assert frame["id"].tolist() == [1, 2, 3]
    assert frame["price"].tolist()[:2] == [1.0, 2.5]


def test_a_table_without_a_key_is_read_in_a_fixed_order(shop: Path) -> None:
    assert sources.read(f"sqlite:///{shop}?table=loose")["x"].tolist() == [1, 1, 2]


def test_a_view_and_a_query_are_read(shop: Path) -> None:
    assert sources.read(f"sqlite:///{shop}?table=cheap")["item"].tolist() == ["a:b"]
    frame = sources.read(
        f"sqlite:///{shop}?query=SELECT item, price + 1 AS more FROM orders WHERE item = 'a:b'"
    )
    assert frame.to_dict("list") == {"item": ["a:b"], "more": [2.0]}


def test_a_relative_file_is_below_the_current_folder(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    assert len(sources.read("sqlite:///shop.db?table=orders")) == 3


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("table=nothing", SourceError, r"no table 'nothing'; there are: cheap, hollow, loose, ord"),
        ("table=hollow", DataError, "no rows"),
        ("query=SELECT nope FROM orders", SourceError, "no such column: nope"),
        ("query=DELETE FROM orders", SourceError, "does not read"),
        ("query=SELECT x, y AS x FROM loose", DataError, "more than one column is named 'x'"),
    ],
)
def test_what_cannot_be_read_is_named(
    what: str, kind: type[Exception], words: str, shop: Path
) -> None:
    with pytest.raises(kind, match=words):
        sources.read(f"sqlite:///{shop}?{what}")
    assert len(sources.read(f"sqlite:///{shop}?table=orders")) == 3


def test_a_missing_file_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no SQLite file"):
        sources.read(f"sqlite:///{tmp_path / 'none.db'}?table=t")
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"day,price\n" * 100)
    with pytest.raises(SourceError, match="file is not a database"):
        sources.read(f"sqlite:///{tmp_path / 'a.db'}?table=t")


def test_a_database_that_refuses_hides_the_password() -> None:
    with pytest.raises(SourceError) as caught:
        sources.read("mysql://me:hunter2@127.0.0.1:1/shop?table=t")
    assert "hunter2" not in str(caught.value)
    assert "mysql://***@127.0.0.1:1/shop" in str(caught.value)


def test_the_fingerprint_sees_values_and_not_their_order(shop: Path, tmp_path: Path) -> None:
    def look() -> dict[str, object]:
        return sources.fingerprint(f"sqlite:///{shop}?query=SELECT x, y FROM loose")

    before = look()
    assert before == {**before, "kind": "sql", "columns": ["x", "y"], "rows": 3}
    run(shop, "DELETE FROM loose", "INSERT INTO loose VALUES (1, 'p'), (2, 'q'), (1, 'p')")
    assert look() == before
    run(shop, "UPDATE loose SET y = 'r' WHERE x = 2")
    changed = look()
    assert changed != before
    run(shop, "INSERT INTO loose VALUES (1, 'p'), (1, 'p')")  # pairs would cancel under XOR
    assert look()["digest"] != changed["digest"]
