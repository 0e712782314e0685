"""train: fit the best hyperparameters on train and tuning, and export a graph that is proved."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.files import emptied, write_json, write_parquet
from pipelines.frames import features, groups, labels, row_hashes
from pipelines.models import artifact
from pipelines.models.base import (
    Charted,
    Continuable,
    Family,
    Fitted,
    Lesson,
    Teachable,
    Training,
    last,
)
from pipelines.models.given import LEARNED_FROM, Given
from pipelines.models.incremental import Parent
from pipelines.models.threads import one_thread
from pipelines.paths import ModelPaths, home
from pipelines.schema import Schema
from pipelines.settings import ModelSettings, TrainSettings
from pipelines.signature import (
    MODEL_FILE,
    RESUME_FOLDER,
    STUDENT_FOLDER,
    TRAINED_ON_FILE,
    TRAINING_FILE,
    digest,
)
from pipelines.statistics.chance import Chance, chance
from pipelines.statistics.constant import best_constant

# Of a training that is taken up again the epochs stay good when only what follows it changes.
_AFTER_IT = {"compress", "student", "distillation"}


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `model/`.

    Raises:
        ModelError: the family cannot be trained so, its graph differs from the model, or the
            parent cannot be gone on from.
        SettingsError: the family is not for this task, for this mode, or cannot teach.
    """
    given, chosen = Given.read(paths, settings), settings.train
    family, known, schema, parent = given.family, given.known, given.schema, given.parent
    emptied(paths.artifact)

    print(f"fitting {chosen.family} on {len(given.seen):,} rows", flush=True)
    checkpoints = home(paths.root).checkpoints / paths.model / _key(paths, settings, given)
    training = replace(given.training(), checkpoints=checkpoints)
    with one_thread():
        fitted = last(family.fit(training))
        student = _student(family, training, fitted, chosen)
    found = artifact.write(paths, chosen, fitted, student, known, schema)
    if family.can_continue:
        _save(fitted, paths.artifact / RESUME_FOLDER)
        if student is not None:
            _save(student, paths.artifact / RESUME_FOLDER / STUDENT_FOLDER)
    print("training once more on shuffled labels, which must teach nothing", flush=True)
    control = _shuffled_control(given)
    write_json(
        {
            "params": dict(given.params),
            "mode": chosen.mode,
            "parent": parent.name if parent else None,
            "rows": len(known),
            "rows_seen": len(given.seen),
            "rows_new": given.new_rows,
            "constant": best_constant(labels(known, schema), schema).tolist(),
            "until": str(known[schema.time].max()) if schema.time else None,
            "parity": found.worst,
            "parity_rows": found.rows,
            "compress": chosen.compress,
            "curve": _curve(student or fitted),
            "teacher": _teacher(fitted, chosen) if student else None,
            "shuffled": asdict(control),
        },
        paths.artifact / TRAINING_FILE,
    )
    write_parquet(_trained_on(known, schema, parent), paths.artifact / TRAINED_ON_FILE)
    # The model is whole: what was kept for the case of a kill is of no more use.
    shutil.rmtree(checkpoints, ignore_errors=True)


def _student(
    family: Family, training: Training, teacher: Fitted, chosen: TrainSettings
) -> Fitted | None:
    """The smaller model that is served instead, taught by the one just trained."""
    if chosen.compress != "distilled":
        return None
    assert isinstance(family, Teachable), "`require_student` has refused the others"
    assert training.checkpoints is not None
    params = family.student(training.params, chosen.student)
    print(f"teaching a smaller one: {chosen.student}", flush=True)
    lesson = Lesson(chosen.distillation.temperature, chosen.distillation.teacher_share)
    told = json.dumps([chosen.student, chosen.distillation.model_dump()], sort_keys=True)
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    own = replace(
        training,
        params=params,
        checkpoints=training.checkpoints / f"{STUDENT_FOLDER}-{key}",
        # Its weights go on from the student's of that time, as the teacher's from the teacher's.
        parent=training.parent / STUDENT_FOLDER if training.parent else None,
    )
    return last(family.distil(own, teacher, lesson))


def _teacher(teacher: Fitted, chosen: TrainSettings) -> dict[str, object]:
    """What is told of the model that is not served, and of how it taught."""
    return {
        "student": chosen.student,
        **chosen.distillation.model_dump(),
        "curve": _curve(teacher),
    }


def _save(fitted: Fitted, folder: Path) -> None:
    if isinstance(fitted, Continuable):
        fitted.save(folder)


def _curve(fitted: Fitted) -> list[dict[str, float]]:
    return fitted.curve() if isinstance(fitted, Charted) else []


def _key(paths: ModelPaths, settings: ModelSettings, given: Given) -> str:
    """Digest of what this training depends on, so that it never goes on from another's epochs."""
    data = [digest(paths.splits / f"{side}.parquet") for side in LEARNED_FROM]
    start = digest(given.parent.folder / MODEL_FILE) if given.parent else None
    chosen = settings.train.model_dump(mode="json", exclude=_AFTER_IT)
    told = [data, dict(given.params), chosen, start]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _trained_on(known: pd.DataFrame, schema: Schema, parent: Parent | None) -> pd.DataFrame:
    """What the model has seen, so that a gate can tell whether its holdout was among it."""
    seen = pd.DataFrame({"group": groups(known, schema), "row": row_hashes(known, schema)})
    if parent is None:
        return seen
    # What the parent has seen, the child has seen.
    return pd.concat([parent.trained_on, seen], ignore_index=True).drop_duplicates("row")


def _shuffled_control(given: Given) -> Chance:
    """What the same training reaches where the label means nothing.

    The label column itself is permuted, once, over all rows, before anything is derived from
    them. A label that reaches the model by another way than as its label, through feature code or
    a copied column, is then permuted along, and betrays itself by doing better than chance.
    """
    known, schema = given.known, given.schema
    order = np.random.default_rng(given.seed).permutation(len(known))
    known[schema.target] = known[schema.target].to_numpy()[order]
    learned, asked = known.iloc[: len(given.train)], known.iloc[len(given.train) :]
    with one_thread():
        fitted = last(given.family.fit(given.on(learned)))
    scores = fitted.scores(features(asked, schema))
    return chance(schema.task, labels(asked, schema), scores)
