"""Where messages go: the URLs of Apprise, which are secrets from their first character to the last.

They come from the environment or from a file that it names, as secrets of containers do, and no
message, error or table ever holds a part of one but the name of its service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.errors import AlertError

_SCHEMA = re.compile(r"([a-z][a-z0-9+.-]{0,29})://\S+", re.I)
_FILE = "_FILE"


@dataclass(frozen=True)
class Address:
    """One URL. `name` is what may be shown of it: `address 2 (slack)`."""

    name: str
    url: str = field(repr=False)


def read(variable: str, environment: Mapping[str, str]) -> list[Address]:
    """The addresses that the environment names; none if it names none.

    Args:
        variable: holds URLs, between white space. With `_FILE` behind it, the path of a file that
            holds them, where lines that begin with # are left out.
        environment: of the process.

    Raises:
        AlertError: both variables are set, or the file cannot be read.
    """
    text, path = environment.get(variable), environment.get(f"{variable}{_FILE}")
    if text and path:
        raise AlertError(
            f"{variable} and {variable}{_FILE} are both set",
            where=f"the environment variable {variable}",
            next_step="unset one of them",
        )
    if path:
        return _addresses(_content(Path(path), f"{variable}{_FILE}"))
    return _addresses(text or "")


def _content(path: Path, variable: str) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise AlertError(
            f"cannot be read: {reason}",
            where=str(path),
            next_step=f"put the URLs there, one a line, or mend {variable}",
        ) from None
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def _addresses(text: str) -> list[Address]:
    # What is no URL stays in: the others are told, and it is shown as one that takes nothing.
    found = []
    for number, url in enumerate(text.split(), start=1):
        matched = _SCHEMA.fullmatch(url)
        found.append(Address(f"address {number} ({matched[1].lower() if matched else '?'})", url))
    return found
