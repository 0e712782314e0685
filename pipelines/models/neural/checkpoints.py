"""What a training leaves on disk after each epoch, to go on from when its process was killed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.errors import ModelError
from pipelines.models.base import Training
from pipelines.models.neural import archive
from pipelines.models.neural.network import NETWORK_FILE, Network, read
from pipelines.models.neural.plan import Plan

Weights = tuple[npt.NDArray[Any], ...]
STATE_FILE = "state.npz"
_NEXT_STEP = "remove the folder of checkpoints, and the training begins anew"


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        epoch: the last finished one, 0 before the first.
        curve: a row for each finished epoch.
        best_epoch: the one with the lowest validation loss, 0 before the first.
        best: the weights after that epoch.
    """

    epoch: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best: Weights = ()

    @property
    def best_loss(self) -> float:
        return self.curve[self.best_epoch - 1]["validation_loss"] if self.best_epoch else np.inf


def identity(family: str, plan: Plan, training: Training) -> dict[str, Any]:
    """All that the course of a training depends on, JSON-ready."""
    rows = hashlib.sha256()
    for name in training.frame:
        column = training.frame[name]
        if name in training.schema.categories:
            rows.update("\0".join(column).encode())
        else:
            rows.update(np.ascontiguousarray(column.to_numpy()).data)
    rows.update(np.ascontiguousarray(training.labels).data)
    parent = None
    if training.parent is not None and (training.parent / NETWORK_FILE).is_file():
        with (training.parent / NETWORK_FILE).open("rb") as file:
            parent = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "family": family,
        "plan": {**asdict(plan), "options": dict(plan.options), "shape": dict(plan.shape)},
        "seed": training.seed,
        "columns": training.schema.to_json(),
        "rows": rows.hexdigest(),
        "parent": parent,
        "libraries": {name: version(name) for name in ("keras", "numpy", "tensorflow")},
    }


@dataclass(frozen=True)
class Checkpoints:
    """The folder of one training.

    Attributes:
        folder: where the files are.
        identity: of the training that may use them; see `identity`.
    """

    folder: Path
    identity: Mapping[str, Any]

    def write(self, progress: Progress, state: archive.Arrays) -> None:
        """Replace the state on disk by that after `progress.epoch`, at one moment."""
        facts = {
            "identity": self.identity,
            "epoch": progress.epoch,
            "curve": progress.curve,
            "best_epoch": progress.best_epoch,
        }
        best = {f"best_{place}": each for place, each in enumerate(progress.best)}
        archive.write(self.folder / STATE_FILE, facts, {**state, **best})

    def read(self) -> tuple[Progress, archive.Arrays] | None:
        """The last state that was written, or None if there is none.

        Raises:
            ModelError: the file is damaged, or is that of another training.
        """
        # A process that was killed while it wrote has left half a file under another name.
        for torn in self.folder.glob(".*.npz.*"):
            torn.unlink()
        path = self.folder / STATE_FILE
        if not path.exists():
            return None
        facts, arrays = archive.read(path, next_step=_NEXT_STEP)
        try:
            self._check(facts["identity"])
            count = sum(name.startswith("best_") for name in arrays)
            best = tuple(arrays.pop(f"best_{place}") for place in range(count))
            progress = Progress(facts["epoch"], facts["curve"], facts["best_epoch"], best)
        except KeyError as error:
            raise archive.damaged(path, error, _NEXT_STEP) from error
        return progress, arrays

    def write_rung(self, number: int, network: Network) -> None:
        """Keep what the training yielded at a rung, for the time after a kill."""
        network.write(self._rung(number))

    def read_rung(self, number: int) -> Network:
        """What the training yielded at a rung that it has passed.

        Raises:
            ModelError: the file is gone, or damaged.
        """
        return read(self._rung(number), next_step=_NEXT_STEP)

    def _rung(self, number: int) -> Path:
        return self.folder / f"rung_{number}.npz"

    def _check(self, found: Mapping[str, Any]) -> None:
        """A state of another training would give a model that no parameters explain."""
        other = [key for key, value in self.identity.items() if found.get(key) != value]
        if other:
            raise ModelError(
                f"the checkpoint is that of another training: it differs in {', '.join(other)}",
                where=str(self.folder / STATE_FILE),
                next_step=_NEXT_STEP,
            )
