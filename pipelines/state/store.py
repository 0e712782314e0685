"""The tables, and how to open them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from pipelines.errors import StateError

metadata = sa.MetaData()

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_started", sa.Float, nullable=False),
    # Nanoseconds of the clock: more than PostgreSQL's INTEGER holds.
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("base", sa.String, nullable=False),
    sa.Column("overrides", sa.JSON, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("finished", sa.String),
    sa.Column("commit", sa.String),
    sa.Column("version", sa.String),
    sa.Column("verdict", sa.JSON),
)

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("run", sa.String, primary_key=True),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("first", sa.String),
    sa.Column("last", sa.String),
)

# What people were told, so that they are told once.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("title", sa.String, nullable=False),
    # Unix times, in seconds. `claimed`: somebody began to tell; `told`: somebody was told.
    sa.Column("noticed", sa.Float(53), nullable=False),
    sa.Column("claimed", sa.Float(53)),
    sa.Column("told", sa.Float(53)),
    sa.Column("times_told", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("problem", sa.String),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("previous", sa.String),
    sa.Column("commit", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    # One run promotes once, however often it is killed and started again.
    sa.Column("run", sa.String, unique=True),
)

rollouts = sa.Table(
    "rollouts",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("finished", sa.String),
    # Grows with every controller that takes the rollout over, and with every state it writes.
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
)
sa.Index(
    "one_open_rollout",
    rollouts.c.model,
    unique=True,
    sqlite_where=rollouts.c.finished.is_(None),
    postgresql_where=rollouts.c.finished.is_(None),
)

rollout_changes = sa.Table(
    "rollout_changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("rollout", sa.String, nullable=False, index=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("phase", sa.String, nullable=False),
    sa.Column("weight_percent", sa.Integer, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("verdict", sa.JSON),
)

# Faults that people planted on purpose, for whoever asks later what that was.
faults = sa.Table(
    "faults",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("who", sa.String, nullable=False),
    # What was planted; nothing for taking all faults of the model away.
    sa.Column("fault", sa.JSON),
)

clients = sa.Table(
    "clients",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    # As scrypt gives it, with its salt and costs; the secret itself is nowhere.
    sa.Column("secret", sa.String, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("tier", sa.String, nullable=False),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("expires", sa.Float),
    sa.Column("has_api_key", sa.Boolean, nullable=False),
)

windows = sa.Table(
    "windows",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("version", sa.String, nullable=False),
    # Unix times, in seconds: they are compared, and added to.
    sa.Column("since", sa.Float(53), nullable=False),
    sa.Column("until", sa.Float(53), nullable=False),
    sa.Column("at", sa.Float(53), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("verdict", sa.JSON, nullable=False),
    sa.Column("past", sa.JSON),
    sa.Column("watch", sa.JSON),
    sa.Column("report", sa.String),
)

# One row a model. Whoever decides about its triggers holds it, so that two never start one each.
inboxes = sa.Table(
    "inboxes",
    metadata,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("breaker_closed", sa.Float(53), nullable=False),
    sa.Column("breaker_closed_by", sa.String),
)

triggers = sa.Table(
    "triggers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String, nullable=False, unique=True),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("version", sa.String),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("noticed", sa.Float(53), nullable=False),
    sa.Column("arrived", sa.Float(53), nullable=False),
    sa.Column("times", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("decided", sa.Float(53), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("taken", sa.Integer, nullable=False),
    sa.Column("started", sa.Float(53)),
    sa.Column("run", sa.String),
)

_APPEND_ONLY = (
    "CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the {table} is append-only'); END"
)


def connect(database: Path) -> sa.Engine:
    """Open the store, and make its tables if they are not there.

    EVERGREEN_DATABASE_URL names another database, for example PostgreSQL.

    Raises:
        StateError: the store cannot be opened, or is no such store.
    """
    url = os.environ.get("EVERGREEN_DATABASE_URL")
    try:
        if url:
            engine = sa.create_engine(url)
        else:
            database.parent.mkdir(parents=True, exist_ok=True)
            engine = sa.create_engine(f"sqlite:///{database}", connect_args={"timeout": 30})
            sa.event.listen(engine, "connect", _prepare_sqlite)
        where = "EVERGREEN_DATABASE_URL" if url else str(database)
        sa.event.listen(engine, "handle_error", partial(_explain, where))
        _make_tables(engine)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise _unusable("EVERGREEN_DATABASE_URL" if url else str(database), error) from error
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that reads before it writes, and that others wait for from its beginning.

    SQLite refuses to write, without waiting, what was read before somebody else wrote.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.commit()


def _make_tables(engine: sa.Engine) -> None:
    if engine.dialect.name != "sqlite":
        metadata.create_all(engine)
        return
    with engine.connect() as connection:
        # Looking for a table and making it are two steps, and two processes may start at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        metadata.create_all(connection)
        for table in (ledger.name, rollout_changes.name, faults.name):
            for verb in ("UPDATE", "DELETE"):
                connection.execute(sa.text(_APPEND_ONLY.format(table=table, verb=verb)))
        connection.commit()


def _explain(where: str, context: sa.engine.ExceptionContext) -> None:
    """Turn what the database says into an error of ours, wherever it is said.

    A broken constraint is left as it is: it is an answer, and whoever asked knows what it means.
    """
    error = context.original_exception
    if not isinstance(context.sqlalchemy_exception, sa.exc.IntegrityError):
        raise _unusable(where, error) from error


def _unusable(where: str, error: BaseException) -> StateError:
    return StateError(
        f"the state store fails: {error}",
        where=where,
        next_step="check that it exists, may be written, is a database, and that the disk has "
        "space; a broken state.db can be moved away: versions are in git and DVC, and `evergreen "
        "adopt` begins a new ledger with the one that is live",
    )


def _prepare_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    # Readers go on while one process writes, and a power cut loses no committed row.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
