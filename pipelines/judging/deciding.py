"""The question that the gate is asked, and its answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.copies import judge_if_copy
from pipelines.errors import DataError, ModelError
from pipelines.files import read_json
from pipelines.frames import features, groups, labels, row_hashes, slice_columns, tensors
from pipelines.gates.evidence import Holdout, Run
from pipelines.gates.judge import judge
from pipelines.inference.session import ModelSession
from pipelines.judging import behaving, candidates, full
from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.settings import ModelSettings
from pipelines.signature import TRAINING_FILE, digest
from pipelines.state.questions import Asked
from pipelines.statistics.chance import Chance
from pipelines.verdicts import Outcome, Verdict

HOLDOUT_FILE = "holdout.parquet"


def holdout_asked(paths: ModelPaths) -> Asked:
    """What the holdout is known by, to count how often it was asked."""
    side = read_json(paths.splits / "split.json")["holdout"]
    return Asked(digest(paths.splits / HOLDOUT_FILE), side.get("first"), side.get("last"))


def has_fresh_rows(challenger: Path, champion: Path) -> bool:
    """Whether the challenger learned from newer rows (or, without time, from more of them).

    Other rows are not enough: a narrower window or a stricter rule is somebody's idea, and has
    to be shown to be a good one.
    """
    ours, theirs = read_json(challenger / TRAINING_FILE), read_json(champion / TRAINING_FILE)
    if ours["until"] and theirs["until"]:
        return bool(pd.Timestamp(ours["until"]) > pd.Timestamp(theirs["until"]))
    return bool(ours["rows"] > theirs["rows"])


def decide(
    paths: ModelPaths,
    settings: ModelSettings,
    champion: tuple[str, Path] | None,
    *,
    times_asked: int,
    is_forced: bool,
) -> Verdict:
    """The gate's verdict on the model in `paths`.

    Args:
        paths: of the challenger; all stages must have run.
        settings: of the model.
        champion: name and model folder of the live version, or None: then it is the baseline.
        times_asked: how often this holdout has judged before.
        is_forced: whether fresh data or a trigger asked for the retrain.

    Returns:
        The verdict. A champion that can no longer be scored is ERROR, not an excuse to promote.

    Raises:
        SettingsError: a slice, a fairness column or a direction names no such column.
        ModelError: the challenger's own folder cannot be trusted.
    """
    if (copied := judge_if_copy(paths.artifact, champion)) is not None:
        return copied
    schema = Schema.read(paths.splits)
    frame = pd.read_parquet(paths.splits / HOLDOUT_FILE)
    session = ModelSession.open(paths.artifact)
    asked = tensors(frame, schema)
    scores = session.predict(asked).scores
    challenger = candidates.candidate(
        "challenger", paths.artifact, session.signature.sha256, scores
    )
    try:
        if champion is None:
            rival = candidates.baseline(paths.artifact, len(frame), schema.task)
        else:
            rival = candidates.champion(*champion, frame, schema)
    except (ModelError, DataError, OSError) as error:
        return Verdict("gate", Outcome.ERROR, f"the champion cannot be scored: {error}")
    holdout = _holdout(paths, settings, frame, schema, times_asked)
    verdict = judge(
        candidates.measured(challenger, session, paths.artifact, asked),
        rival,
        holdout,
        settings.gate,
        Run(
            is_forced=is_forced,
            control=Chance(**read_json(paths.artifact / TRAINING_FILE)["shuffled"]),
            cases=behaving.cases(session, frame, settings.gate, settings.train.seed),
            legs=(candidates.conversion(session, paths.artifact),),
        ),
        candidates.before_compression(paths.artifact, settings, asked),
    )
    return full.beside(verdict, paths, settings, frame, holdout)


def _holdout(
    paths: ModelPaths,
    settings: ModelSettings,
    frame: pd.DataFrame,
    schema: Schema,
    times_asked: int,
) -> Holdout:
    names = (*settings.evaluate.slices, *settings.gate.fairness)
    return Holdout(
        labels=labels(frame, schema).astype(np.float64),
        blocks=groups(frame, schema).astype(str),
        row_hashes=row_hashes(frame, schema),
        data_hash=digest(paths.splits / HOLDOUT_FILE),
        time=frame[schema.time].to_numpy() if schema.time else None,
        slices={
            name: values.astype(str) for name, values in slice_columns(frame, schema, names).items()
        },
        features=_columns(frame, schema),
        times_asked=times_asked,
        task=schema.task,
    )


def _columns(frame: pd.DataFrame, schema: Schema) -> dict[str, npt.NDArray[Any]]:
    known = features(frame, schema)
    return {
        name: known[name].to_numpy(dtype=np.float64 if name in schema.numbers else str)
        for name in schema.features
    }
