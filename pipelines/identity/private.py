"""Files that only their owner may read: they are so from their first byte on."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import IdentityError

_LOCK = ".lock"


def write_private(content: bytes, path: Path) -> None:
    """Write a file whole or not at all, readable by its owner only.

    `pipelines.files` makes its files readable for all, which a private key must not be even for
    the moment until somebody narrows it.
    """
    private_folder(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_private(path: Path) -> bytes:
    """The content of a file that only its owner may read.

    Raises:
        FileNotFoundError: there is no such file.
        IdentityError: others may read it, so it is no secret any more; or it cannot be read.
    """
    try:
        mode = path.stat().st_mode & 0o777
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IdentityError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            next_step="give it back to the user that Evergreen runs as",
        ) from error
    if mode & 0o077:
        raise IdentityError(
            f"others may read or write it (mode {mode:04o}), so it may be known to them",
            where=str(path),
            next_step=f"`chmod 600 {path.name}`, and replace the keys with `evergreen keys rotate "
            "--revoke` if anybody else uses this machine",
        )
    return content


def private_folder(folder: Path) -> None:
    """Make a folder that others cannot look into; one that is there stays as it is."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time changes what is in `folder`; the lock goes with the process."""
    private_folder(folder)
    descriptor = os.open(folder / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
