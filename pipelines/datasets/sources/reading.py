"""Read a whole source into one frame, and hold its files to one set of columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any

import pandas as pd

from pipelines.datasets.sources import local, remote, sql
from pipelines.datasets.sources.files import read_file
from pipelines.datasets.sources.location import Database, LocalFiles, parse
from pipelines.errors import DataError

NOTHING = "nothing"


def read(source: str, *, text: Collection[str] = ()) -> pd.DataFrame:
    """All rows of a source, file after file, in the column order of the first file.

    Args:
        source: a path, pattern or URL; the package's docstring lists the forms.
        text: columns of CSV files to keep as strings, as they are written.

    Raises:
        SourceError: it cannot be found, reached, or decoded.
        DataError: a file's header, lines or columns do not fit.
    """
    location = parse(source)
    if isinstance(location, Database):
        return sql.read(location)
    opened = local.opened(location) if isinstance(location, LocalFiles) else remote.opened(location)
    with closing(opened):  # removes what was fetched, also when a file is refused
        return _together(
            (file.where, read_file(file.path, text=text, where=file.where)) for file in opened
        )


def fingerprint(source: str) -> dict[str, Any]:
    """What a source looks like now, JSON-ready: the same value until its content changes.

    Local files are known by their SHA-256, remote files by what the server says of them, a query
    by a digest of its rows; each function below says what it sees and what it cannot see.

    Raises:
        SourceError: it cannot be found or reached.
    """
    location = parse(source)
    if isinstance(location, Database):
        return {"kind": "sql", **sql.fingerprint(location)}
    if isinstance(location, LocalFiles):
        return {"kind": "local", "files": local.fingerprint(location)}
    return {"kind": "remote", "files": remote.fingerprint(location)}


def kind_of(column: pd.Series) -> str:
    """What a column holds, coarsely: number, true or false, time, text, other, or nothing."""
    if column.isna().all():
        return NOTHING
    if pd.api.types.is_bool_dtype(column):
        return "true or false"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "time"
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    return {"string": "text", "boolean": "true or false", "decimal": "number"}.get(
        inferred, "text" if isinstance(column.dtype, pd.CategoricalDtype) else inferred
    )


def _together(files: Iterator[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    frames: list[pd.DataFrame] = []
    # For each column what it holds, and the first file that says so: a month may lack every value.
    known: dict[str, tuple[str, str]] = {}
    types: dict[str, Any] = {}
    first = ""
    for where, frame in files:
        if frames:
            _check_names(frames[0].columns, frame.columns, first=first, where=where)
        else:
            first = where
        for name in frame.columns:
            kind = kind_of(frame[name])
            earlier, file = known.setdefault(name, (kind, where))
            if kind != NOTHING:
                types.setdefault(name, frame[name].dtype)
            if earlier == NOTHING:
                known[name] = (kind, where)
            elif kind not in {earlier, NOTHING}:
                raise DataError(
                    f"column {name!r} holds {kind} here, and {earlier} in {file}",
                    where=where,
                    next_step="write both files with one type, or list it in ingest.categories",
                )
        frames.append(frame)
    if len(frames) == 1:
        return frames[0]
    return pd.concat([_typed(frame, types) for frame in frames], ignore_index=True)


def _typed(frame: pd.DataFrame, types: dict[str, Any]) -> pd.DataFrame:
    """Give columns without any value the type of the other files, or concat makes them objects."""
    return frame.astype(
        {
            name: "float64" if pd.api.types.is_integer_dtype(types[name]) else types[name]
            for name in frame.columns
            if name in types
            and frame[name].isna().all()
            and not pd.api.types.is_bool_dtype(types[name])
        }
    )


def _check_names(expected: pd.Index, seen: pd.Index, *, first: str, where: str) -> None:
    lacking = [name for name in expected if name not in seen]
    extra = [name for name in seen if name not in expected]
    if lacking or extra:
        said = [f"lacks {', '.join(map(repr, lacking))}"] if lacking else []
        said += [f"has {', '.join(map(repr, extra))} more"] if extra else []
        raise DataError(
            f"against {first}, the file {' and '.join(said)}",
            where=where,
            next_step="write all files with the same columns, or narrow the pattern",
        )
