"""A folder that several processes may begin to make at the same moment, and be killed over."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

import psutil

_SUFFIX = ".partial"


def draft(folder: Path) -> Path:
    """A place beside `folder` that is this process's own; what dead ones left there goes.

    It does not exist yet, its parent does.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*{_SUFFIX}"):
        if not psutil.pid_exists(int(left.name.removesuffix(_SUFFIX).split(".")[-2])):
            shutil.rmtree(left, ignore_errors=True)
    return folder.with_name(f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}{_SUFFIX}")


def keep(made: Path, folder: Path) -> None:
    """Give a draft its name, whole; where somebody else was faster, his is as good.

    Raises:
        OSError: it cannot be renamed.
    """
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(made, ignore_errors=True)
