"""Finished trials in a file: one Optuna journal a search, appended to and never rewritten."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from pipelines.errors import StateError
from pipelines.tuning.stores import by_slot


class KernelLock:
    """A lock that the kernel takes back when its process dies.

    Optuna's own lock is a file, which a killed process leaves behind: the next one would wait 30
    seconds for nobody.
    """

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}.lock")
        self._file: int | None = None

    def acquire(self) -> bool:
        """Wait for the lock; Optuna asks for the True."""
        self._file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Let the next one in."""
        assert self._file is not None, "only the one who holds it releases it"
        os.close(self._file)
        self._file = None


class Journal:
    """A store in a file, of one search on one machine; see `Store`.

    Args:
        name: of the study.
        path: of the file; made if it is not there.
        directions: of the objectives.

    Raises:
        StateError: the journal is damaged.
    """

    patience: float | None = None

    def __init__(self, name: str, path: Path, directions: Sequence[str]) -> None:
        self._study = _open(name, path, directions)
        self._finished = by_slot(self._study.trials)

    def finished(self) -> dict[int, FrozenTrial]:
        """Every finished trial by its slot."""
        return self._finished

    def claim(self, slot: int) -> bool:
        """True, unless the slot is done: nobody else works on this search."""
        return slot not in self._finished

    def add(self, slot: int, trial: FrozenTrial) -> None:
        """Append a finished trial."""
        self._study.add_trial(trial)
        self._finished[slot] = trial

    def close(self) -> None:
        """Nothing is held between two writes."""


def _open(name: str, journal: Path, directions: Sequence[str]) -> optuna.Study:
    journal.parent.mkdir(parents=True, exist_ok=True)
    lock = KernelLock(journal)
    lock.acquire()
    try:
        _truncate_torn_line(journal)
    finally:
        lock.release()
    try:
        storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))
        return optuna.create_study(
            study_name=name, storage=storage, directions=list(directions), load_if_exists=True
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"the journal of the search is damaged: {error}",
            where=str(journal),
            next_step="delete the file; the search then starts anew",
        ) from error


def _truncate_torn_line(journal: Path) -> None:
    """A kill in the middle of a write leaves half a line, which Optuna cannot read past."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    if content and not content.endswith(b"\n"):
        with journal.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)
