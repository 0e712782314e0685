"""Take a source apart without touching it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipelines.errors import SourceError

REMOTE = ("s3", "gs", "gcs", "az", "abfs", "abfss", "http", "https", "sftp", "hdfs")
DATABASES = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql", "duckdb", "snowflake")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=//|[^\\/])")
_SECRET_PAIR = re.compile(r"(?i)\b(password|passwd|pwd|secret|token|signature|key|sig)=[^&;\s]+")
_WHAT = re.compile(r"[?&](table|query)=")
_MAGIC = re.compile(r"[*?\[]")
HIDDEN = "***"


@dataclass(frozen=True)
class LocalFiles:
    """A path or pattern, absolute or below the current folder."""

    pattern: Path


@dataclass(frozen=True)
class RemoteFiles:
    """A URL or pattern of a protocol that fsspec speaks."""

    protocol: str
    url: str

    @property
    def is_pattern(self) -> bool:
        # In a web address `?` begins the query, and nobody lists a web server.
        return self.protocol not in {"http", "https"} and bool(_MAGIC.search(self.url))


@dataclass(frozen=True)
class Database:
    """A SQLAlchemy URL, and the table or query to read."""

    url: str
    table: str | None
    query: str | None

    @property
    def backend(self) -> str:
        return self.url.split(":", 1)[0].split("+", 1)[0]


Location = LocalFiles | RemoteFiles | Database


def parse(source: str) -> Location:
    """What kind of source this is.

    Raises:
        SourceError: the scheme is unknown, or a database URL names neither table nor query.
    """
    match = _SCHEME.match(source)
    if match is None:
        return LocalFiles(Path(source))
    scheme = match[1].lower()
    if scheme == "file":
        return LocalFiles(_file_path(source))
    if scheme in REMOTE and source[match.end() :].startswith("//"):
        return RemoteFiles(scheme, source)
    if scheme.split("+")[0] in DATABASES:
        return _database(source)
    raise SourceError(
        f"unknown scheme {scheme!r}; allowed: a path, file, {', '.join(REMOTE)}, "
        f"{', '.join(DATABASES)}",
        where=redact(source),
        next_step="write the source as one of these; docs/reference/params.md has examples",
    )


def redact(source: str) -> str:
    """The source as it may be shown and stored: without user, password or signed parameters."""
    match = _SCHEME.match(source)
    if match is None or match[1].lower() == "file":
        return source
    shown = re.sub(r"//[^/@\s]*@", f"//{HIDDEN}@", source, count=1)
    if match[1].lower() in {"http", "https"}:
        # Any parameter of a web address may be a signature.
        return re.sub(r"\?.*", f"?{HIDDEN}", shown)
    return _SECRET_PAIR.sub(rf"\1={HIDDEN}", shown)


def scrub(message: object, source: str) -> str:
    """A library's message about a source on one line, without the secrets of its URL."""
    text = " ".join(str(message).replace(source, redact(source)).split())
    parts = urlsplit(source) if "://" in source else None
    for secret in (parts.password, parts.query) if parts and parts.netloc else ():
        if secret:
            text = text.replace(secret, HIDDEN).replace(unquote(secret), HIDDEN)
    return text if len(text) <= 400 else text[:400] + " ..."


def _file_path(source: str) -> Path:
    parts = urlsplit(source)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise SourceError(
            "a file URL needs three slashes and an absolute path",
            where=source,
            next_step="write file:///folder/name.csv, or a plain path below the project root",
        )
    # urlsplit takes `?` and `#` for its own; in a path pattern they are characters.
    return Path(unquote(source.split("://", 1)[1].removeprefix("localhost")))


def _database(source: str) -> Database:
    match = _WHAT.search(source)
    if match is None:
        raise SourceError(
            "the database URL names neither a table nor a query",
            where=redact(source),
            next_step="end it with ?table=NAME or ?query=SELECT ...",
        )
    url, kind, value = source[: match.start()], match[1], source[match.end() :]
    if kind == "query":
        return Database(url, table=None, query=value)
    table, *others = value.split("&", 1)
    if others:
        url += ("&" if "?" in url else "?") + others[0]
    return Database(url, table=table, query=None)
