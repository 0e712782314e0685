"""What an incremental training starts from, and which rows it sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines.errors import ModelError, SettingsError
from pipelines.files import read_json
from pipelines.frames import row_hashes
from pipelines.models.base import Family
from pipelines.paths import home
from pipelines.schema import Schema
from pipelines.settings import TrainSettings
from pipelines.signature import RESUME_FOLDER, TRAINED_ON_FILE, TRAINING_FILE, Signature

_TO_FULL = "set train.mode to full"


@dataclass(frozen=True)
class Parent:
    """The model folder of the version to go on from."""

    name: str
    folder: Path

    @property
    def resume(self) -> Path:
        return self.folder / RESUME_FOLDER

    @property
    def params(self) -> dict[str, Any]:
        params: dict[str, Any] = read_json(self.folder / TRAINING_FILE)["params"]
        return params

    @property
    def trained_on(self) -> pd.DataFrame:
        """`group` and `row` of every row that it, or a parent of its own, has seen."""
        return pd.read_parquet(self.folder / TRAINED_ON_FILE)


def parent(root: Path, model: str, chosen: TrainSettings, family: Family) -> Parent | None:
    """The parent that the settings name; None for a full training.

    Raises:
        SettingsError: the family cannot go on from a model, or no parent is named.
        ModelError: the parent is not on this machine, or nothing can go on from it.
    """
    if chosen.mode == "full":
        return None
    if not family.can_continue:
        raise SettingsError(
            f"{chosen.family} cannot go on from an earlier model",
            where="params.yaml: train.mode",
            next_step=f"{_TO_FULL}, or use a family that can, such as hist_gradient_boosting",
        )
    if chosen.parent is None:
        raise SettingsError(
            "an incremental training goes on from a version, and none is named",
            where="params.yaml: train.parent",
            next_step=f"run `evergreen retrain {model}`, which takes the live one, or name it",
        )
    found = sorted(home(root).versions(model).glob(f"{chosen.parent}-*"))
    if not found:
        raise ModelError(
            f"{model}@{chosen.parent} is not on this machine",
            where=str(home(root).versions(model)),
            next_step=f"`evergreen retrain {model}` fetches it; or {_TO_FULL}",
        )
    made = Parent(chosen.parent, found[-1])
    theirs = Signature.read(made.folder).family
    if theirs != chosen.family:
        raise ModelError(
            f"the parent cannot be gone on from: its family is {theirs}, not {chosen.family}",
            where=str(made.folder),
            next_step=f"{_TO_FULL}, or train.family to {theirs}",
        )
    if not made.resume.is_dir():
        raise ModelError(
            "it holds nothing to go on from: its family cannot, or it was trained before it could",
            where=str(made.folder),
            next_step=_TO_FULL,
        )
    return made


def rows_to_see(
    frame: pd.DataFrame, schema: Schema, parent: Parent, replay_share: float, seed: int
) -> tuple[pd.DataFrame, int]:
    """The rows that the parent has not seen and a sample of the others, and how many are new.

    Both in the order that they have in `frame`, so that rows with a time stay in its order.

    Raises:
        ModelError: the parent has seen all of them.
    """
    is_new = ~np.isin(row_hashes(frame, schema), parent.trained_on["row"].to_numpy())
    if not is_new.any():
        raise ModelError(
            f"{parent.name} has seen all {len(frame):,} rows",
            where="params.yaml: train.mode",
            next_step=f"bring newer rows (ingest.until), or {_TO_FULL}",
        )
    old = np.flatnonzero(~is_new)
    draw = np.random.default_rng(seed)
    replayed = draw.choice(old, size=round(replay_share * len(old)), replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(is_new), replayed]))
    return frame.iloc[kept].reset_index(drop=True), int(is_new.sum())
