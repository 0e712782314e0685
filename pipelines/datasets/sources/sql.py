"""Read the result of a query, or a whole table, through SQLAlchemy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import sqlalchemy as sa

from pipelines.datasets.sources.deadline import ANSWER_SECONDS, within
from pipelines.datasets.sources.location import Database, redact, scrub
from pipelines.errors import DataError, SourceError
from pipelines.paths import in_project

Answer = TypeVar("Answer")

_READS = re.compile(r"(?is)\s*(--[^\n]*\n\s*)*(select|with|values)\b")
_BATCH_ROWS = 10_000
# What each driver calls the time to wait for a connection, and where it can, for an answer.
_CONNECT: dict[str, dict[str, Any]] = {
    "postgresql": {"connect_timeout": 10, "options": "-c statement_timeout=600000"},
    "mysql": {"connect_timeout": 10},
    "mariadb": {"connect_timeout": 10},
    "sqlite": {"timeout": 10},
}


def read(location: Database) -> pd.DataFrame:
    """The rows, with the types that the database gives them.

    A table is ordered by its primary key, or by all of its columns if it has none, so that two
    reads agree; a query is taken as it is, and should have an ORDER BY.

    Raises:
        SourceError: no such database, table or column, no answer, no permission, no driver.
        DataError: no rows, or two columns of one name.
    """

    def frame(connection: sa.Connection) -> pd.DataFrame:
        result = connection.execute(_statement(connection, location))
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))

    rows = _connected(location, frame)
    where = redact(location.url)
    if rows.empty:
        raise DataError("there are no rows", where=where, next_step="check the table or the query")
    if not rows.columns.is_unique:
        twice = sorted(set(rows.columns[rows.columns.duplicated()]))
        raise DataError(
            f"more than one column is named {', '.join(map(repr, twice))}",
            where=where,
            next_step="give each column of the query a name of its own with AS",
        )
    return rows


def fingerprint(location: Database) -> dict[str, Any]:
    """The columns, the number of rows, and a digest of the rows in any order.

    Seen: any changed value, lost or added row, renamed or moved column. Not seen: the order of
    the rows; and nothing is known of rows that the query leaves out. It reads everything, one
    batch in memory at a time.

    Raises:
        SourceError: as `read` does.
    """

    def look(connection: sa.Connection) -> dict[str, Any]:
        statement = _statement(connection, location)
        result = connection.execution_options(stream_results=True).execute(statement)
        rows, total = 0, 0
        for batch in result.partitions(_BATCH_ROWS):
            rows += len(batch)
            # A sum does not depend on order, and unlike XOR it sees a row that is there twice.
            total = (total + sum(_row_digest(row) for row in batch)) % 2**128
        return {"columns": list(result.keys()), "rows": rows, "digest": f"{total:032x}"}

    return _connected(location, look)


def _row_digest(row: sa.Row[Any]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(tuple(row)).encode(), digest_size=16).digest())


def _connected(location: Database, use: Callable[[sa.Connection], Answer]) -> Answer:
    source = location.url
    where = redact(source)
    try:
        url = _in_project(sa.make_url(source))
        engine = sa.create_engine(url, connect_args=_CONNECT.get(location.backend, {}))
    except (sa.exc.ArgumentError, ImportError, ValueError) as error:
        raise SourceError(
            f"no way to open it: {scrub(error, source)}",
            where=where,
            next_step="write DIALECT://USER@HOST/NAME?table=..., and install the driver named",
        ) from None
    try:
        _check_file(engine.url, where)
        connection = within(ANSWER_SECONDS, engine.connect, where=where)
        with connection:
            return use(connection)
    except sa.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise SourceError(
            f"{type(cause).__name__}: {scrub(cause, source)}",
            where=where,
            next_step="check host, name, credentials, and the table or query in ingest.source",
        ) from None
    finally:
        engine.dispose()


def _in_project(url: sa.URL) -> sa.URL:
    if url.get_backend_name() != "sqlite" or not url.database:
        return url
    return url.set(database=str(in_project(Path(url.database))))


def _check_file(url: sa.URL, where: str) -> None:
    # SQLite makes an empty database of every name that is not there yet.
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SourceError(
            f"there is no SQLite file {url.database or ':memory:'}",
            where=where,
            next_step="check ingest.source: sqlite:///below/the/root.db, sqlite:////absolute.db",
        )


def _statement(connection: sa.Connection, location: Database) -> sa.Executable:
    if location.query is not None:
        if not _READS.match(location.query):
            raise SourceError(
                "the query does not read",
                where=f"{redact(location.url)}: {location.query[:80]}",
                next_step="begin it with SELECT or WITH",
            )
        return sa.text(location.query.replace(":", r"\:"))
    inspector = sa.inspect(connection)
    schema, _, name = (location.table or "").rpartition(".")
    known = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
    if name not in known:
        raise SourceError(
            f"there is no table {location.table!r}; there are: "
            f"{', '.join(sorted(known)[:20]) or 'none'}",
            where=redact(location.url),
            next_step="name one of these after ?table=, or write ?query=SELECT ...",
        )
    table = sa.Table(name, sa.MetaData(), schema=schema or None, autoload_with=connection)
    return sa.select(table).order_by(*(table.primary_key.columns or table.columns))
