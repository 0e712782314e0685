"""What the training of a model is given: its rows, its hyperparameters, its parent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from pipelines import registry
from pipelines.files import read_json
from pipelines.frames import features, labels
from pipelines.models import incremental
from pipelines.models.base import Family, Params, Training
from pipelines.models.incremental import Parent
from pipelines.models.tasks import require_student, require_task
from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.settings import ModelSettings

LEARNED_FROM = ("train", "tuning")


@dataclass(frozen=True, eq=False)
class Given:
    """All that the stages before have left for a training.

    Attributes:
        schema: of the rows.
        family: what is trained.
        params: the chosen hyperparameters, or those of the parent.
        parent: what an incremental training goes on from; None for a full one.
        train, tuning: the two sides that are learned from.
        seen: the rows of both that this training sees, in their order.
        new_rows: how many of those the parent has not seen; all of them without a parent.
        seed: of everything random.
    """

    schema: Schema
    family: Family
    params: Params
    parent: Parent | None
    train: pd.DataFrame
    tuning: pd.DataFrame
    seen: pd.DataFrame
    new_rows: int
    seed: int

    @classmethod
    def read(cls, paths: ModelPaths, settings: ModelSettings) -> Given:
        """Read it; split and tune must have run.

        Raises:
            SettingsError: the family is not for this task, for this mode, or cannot teach.
            ModelError: the parent cannot be gone on from, or the student cannot be.
        """
        schema = Schema.read(paths.splits)
        train, tuning = (pd.read_parquet(paths.splits / f"{side}.parquet") for side in LEARNED_FROM)
        chosen = settings.train
        family: Family = registry.load(registry.MODEL_FAMILIES, chosen.family)()
        require_task(chosen.family, family, schema.task)
        parent = incremental.parent(paths.root, paths.model, chosen, family)
        params: Params = read_json(paths.study / "best.json")["params"]
        require_student(chosen, family, params)
        seen = pd.concat([train, tuning], ignore_index=True)
        new_rows = len(seen)
        if parent is not None:
            seen, new_rows = incremental.rows_to_see(
                seen, schema, parent, chosen.replay_share, chosen.seed
            )
        return cls(schema, family, params, parent, train, tuning, seen, new_rows, seed=chosen.seed)

    @property
    def known(self) -> pd.DataFrame:
        """All rows of both sides, seen or not."""
        return pd.concat([self.train, self.tuning], ignore_index=True)

    def training(self) -> Training:
        """Of the rows that are seen, from the parent on if there is one."""
        made = self.on(self.seen)
        return replace(made, parent=self.parent.resume if self.parent else None)

    def on(self, frame: pd.DataFrame) -> Training:
        """With the same hyperparameters, of other rows, from nothing."""
        return Training(
            features(frame, self.schema),
            labels(frame, self.schema),
            self.schema,
            self.params,
            self.seed,
        )
