"""Files written whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # half a second, for those who only write JSON
    import pandas as pd


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder, and rename it to `path` when the block is done.

    Nothing is left behind when the block fails, and a reader never sees half a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def emptied(folder: Path) -> Path:
    """The folder, there and without content: nothing of an earlier run may stay among a new one's.

    DVC removes the outputs of a stage before it runs it; a stage that is run by hand relies on
    this.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write the columns of `frame`, without its index."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False, compression="zstd")


def write_json(value: Any, path: Path) -> None:
    """Indented, in the order given, refusing NaN and infinity, which are not JSON."""
    write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        OSError: there is no such file.
        ValueError: it is not JSON.
    """
    return json.loads(path.read_text(encoding="utf-8"))
