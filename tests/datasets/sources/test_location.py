"""URLs come apart as documented, and no secret of one is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.datasets.sources import location
from pipelines.datasets.sources.location import Database, LocalFiles, RemoteFiles
from pipelines.errors import SourceError


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("data/*.csv", LocalFiles(Path("data/*.csv"))),
        ("/srv/a b.csv", LocalFiles(Path("/srv/a b.csv"))),
        ("file:///srv/a%20b.csv", LocalFiles(Path("/srv/a b.csv"))),
        ("file:///srv/a?.csv", LocalFiles(Path("/srv/a?.csv"))),
        ("C:\\drop\\a.csv", LocalFiles(Path("C:\\drop\\a.csv"))),
        ("s3://b/p/*.parquet", RemoteFiles("s3", "s3://b/p/*.parquet")),
        ("sqlite:///a.db?table=t", Database("sqlite:///a.db", "t", None)),
        (
            "postgresql+psycopg://h/d?sslmode=require&table=s.t",
            Database("postgresql+psycopg://h/d?sslmode=require", "s.t", None),
        ),
        (
            "postgresql://h/d?table=t&sslmode=require",
            Database("postgresql://h/d?sslmode=require", "t", None),
        ),
        (
            "sqlite:///a.db?query=SELECT a+b AS c FROM t WHERE x LIKE '%5' AND y = '&table=z'",
            Database(
                "sqlite:///a.db",
                None,
                "SELECT a+b AS c FROM t WHERE x LIKE '%5' AND y = '&table=z'",
            ),
        ),
    ],
)
def test_a_source_is_taken_apart(source: str, expected: location.Location) -> None:
    assert location.parse(source) == expected


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("sftpx://h/a.csv", r"unknown scheme 'sftpx'; allowed: .*s3.*sqlite"),
        ("sqlite:///a.db", "neither a table nor a query"),
        ("file://a.csv", "three slashes"),
        ("file:a.csv", "three slashes"),
        ("s3:bucket/a.csv", "unknown scheme"),
    ],
)
def test_a_source_that_cannot_be_meant(source: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        location.parse(source)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("postgresql://me:hunter2@h/d?table=t", "postgresql://***@h/d?table=t"),
        (
            "mysql://h/d?user=me&password=hunter2&table=t",
            "mysql://h/d?user=me&password=***&table=t",
        ),
        ("https://me:hunter2@h/a.csv?X-Sig=hunter2", "https://***@h/a.csv?***"),
        ("s3://bucket/2024-*.csv", "s3://bucket/2024-*.csv"),
        ("data/a@b:c.csv", "data/a@b:c.csv"),
    ],
)
def test_secrets_are_hidden(source: str, shown: str) -> None:
    assert location.redact(source) == shown


def test_a_librarys_message_is_scrubbed() -> None:
    source = "postgresql://me:p%40ss@h/d?table=t"
    text = location.scrub(f"cannot open {source}:\n password 'p@ss' (p%40ss) " + "x" * 999, source)
    assert "p@ss" not in text
    assert "p%40ss" not in text
    assert "\n" not in text
    assert len(text) < 450
