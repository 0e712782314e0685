"""Find files on object stores and servers, fetch them, and say what they look like."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import fsspec

from pipelines.datasets.sources.deadline import ANSWER_SECONDS, BLOCK_SECONDS, within
from pipelines.datasets.sources.files import check_name
from pipelines.datasets.sources.local import Opened
from pipelines.datasets.sources.location import RemoteFiles, redact, scrub
from pipelines.errors import SourceError

_BLOCK_BYTES = 8 * 1024 * 1024
# Under ANSWER_SECONDS in all, so that the store's own words reach the person before ours do.
_S3 = {"config_kwargs": {"connect_timeout": 4, "read_timeout": 30, "retries": {"max_attempts": 1}}}
_OPTIONS: dict[str, dict[str, Any]] = {"s3": _S3}
# What a store calls the state of a file, in the order of how much each says.
_STATES = ("ETag", "etag", "md5Hash", "content_md5", "checksum")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modified")


def opened(location: RemoteFiles) -> Generator[Opened]:
    """Each file of a URL or pattern, fetched to a temporary folder while it is looked at.

    Raises:
        SourceError: no file, no answer, no permission, or a transfer that breaks off.
    """
    store = Store(location)
    with tempfile.TemporaryDirectory(prefix="evergreen-") as folder:
        for number, remote in enumerate(store.find()):
            where = store.shown(remote)
            # Files of one name in two folders must not meet.
            path = Path(folder) / str(number) / _name(remote)
            path.parent.mkdir()
            store.fetch(remote, path)
            yield Opened(path, store.relative(remote), where)
            path.unlink(missing_ok=True)


def fingerprint(location: RemoteFiles) -> list[dict[str, Any]]:
    """Name, size, and the state that the server gives: an ETag or digest, else the time of change.

    Seen: any write that changes the ETag. Not seen: on a server that gives neither ETag nor time,
    new content of the same length.

    Raises:
        SourceError: no file, no answer, or no permission.
    """
    store = Store(location)
    return [store.state(remote) for remote in store.find()]


class Store:
    """One file system of fsspec, with every fault turned into a SourceError."""

    def __init__(self, location: RemoteFiles) -> None:
        self._location = location
        self._where = redact(location.url)
        self._system = self._ask(self._connect)

    def find(self) -> list[str]:
        """The paths, sorted; at least one."""
        url = self._location.url
        if not self._location.is_pattern:
            paths = [url] if self._ask(lambda: self._system.isfile(url)) else []
        else:
            paths = sorted(self._ask(lambda: self._system.glob(url)))
        if not paths:
            raise SourceError(
                "no file there matches",
                where=self._where,
                next_step="check ingest.source, and that these credentials may list and read it",
            )
        for path in paths:
            check_name(_name(path), where=self.shown(path))
        return paths

    def has(self, path: str) -> bool:
        """Whether there is a file of this path; for servers that do not list what they have."""
        return bool(self._ask(lambda: self._system.isfile(path)))

    def state(self, path: str) -> dict[str, Any]:
        """What a fingerprint remembers of a file."""
        info = self._ask(lambda: self._system.info(path))
        state: dict[str, Any] = {"name": self.relative(path), "bytes": info.get("size")}
        tag = next((info[key] for key in _STATES if info.get(key)), None)
        if tag is not None:
            return {**state, "etag": str(tag).strip('"')}
        time = next((info[key] for key in _TIMES if info.get(key)), None)
        return {**state, "modified": None if time is None else str(time)}

    def fetch(self, path: str, target: Path) -> None:
        """Copy a file to this disk."""
        with (
            self._ask(lambda: self._system.open(path, "rb", cache_type="none")) as source,
            target.open("wb") as file,
        ):
            while block := self._ask(lambda: source.read(_BLOCK_BYTES), BLOCK_SECONDS):
                file.write(block)

    def shown(self, path: str) -> str:
        """A path as it stands in messages."""
        return redact(path if "://" in path else f"{self._location.protocol}://{path}")

    def relative(self, path: str) -> str:
        """A path below the fixed part of the pattern."""
        if not self._location.is_pattern:
            return _name(path)
        pattern = str(self._system._strip_protocol(self._location.url))
        fixed = pattern[: min(pattern.find(mark) for mark in "*?[" if mark in pattern)]
        return posixpath.relpath(path, posixpath.dirname(fixed) or "/")

    def _connect(self) -> Any:
        protocol = self._location.protocol
        options = _OPTIONS.get(protocol, {})
        # Listings must not come from the memory of an earlier run in the same process.
        return fsspec.filesystem(
            protocol, use_listings_cache=False, skip_instance_cache=True, **options
        )

    def _ask(self, call: Any, seconds: float | None = None) -> Any:
        try:
            return within(seconds or ANSWER_SECONDS, call, where=self._where)
        except SourceError:
            raise
        except ImportError as error:
            raise SourceError(
                f"reading {self._location.protocol}:// needs a package more: {error}",
                where=self._where,
                next_step="install the package named beside evergreen",
            ) from error
        except Exception as error:  # noqa: BLE001 - raised again as ours
            # Each store has its own tree of exceptions, without a common root.
            raise SourceError(
                f"{type(error).__name__}: {scrub(error, self._location.url)}",
                where=self._where,
                next_step="check the URL, the endpoint and the credentials in the environment",
            ) from None


def _name(path: str) -> str:
    return posixpath.basename(path.split("?", 1)[0] if "://" in path else path)
