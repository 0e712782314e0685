"""Bring a challenger and the champion before the gate: read both, ask both the same rows.

The gate itself (`pipelines/gates/`) is pure; this is where its files are read. The champion is
scored anew on the challenger's holdout, never taken at its old word.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.copies import judge_if_copy
from pipelines.errors import DataError, ModelError, SettingsError
from pipelines.files import read_json
from pipelines.frames import features, groups, labels, row_hashes, slice_columns, tensors
from pipelines.gates.behaviour import direction_violation, range_violation
from pipelines.gates.compression import Compression
from pipelines.gates.evidence import Candidate, Case, CaseKind, Holdout, Leg, Run
from pipelines.gates.judge import judge
from pipelines.gates.skew import CONVERSION_TOLERANCE, conversion_leg
from pipelines.inference.session import ModelSession
from pipelines.models import golden, parity
from pipelines.models.compress import KINDS as QUANTISED
from pipelines.paths import ModelPaths
from pipelines.schema import Schema, Task
from pipelines.settings import GateSettings, ModelSettings
from pipelines.signature import (
    GOLDEN_FILE,
    MODEL_FILE,
    TRAINED_ON_FILE,
    TRAINING_FILE,
    UNCOMPRESSED_FOLDER,
    digest,
)
from pipelines.state.questions import Asked
from pipelines.statistics.chance import Chance
from pipelines.statistics.constant import repeated
from pipelines.verdicts import Outcome, Verdict

BASELINE = "baseline"
HOLDOUT_FILE = "holdout.parquet"
_TIMED_ROWS = 500
_DIRECTION_ROWS = 200
_DIRECTION_STEPS = 20
_DIRECTION_TOLERANCE = 1e-6
# Ten float32 probabilities do not add up to 1 exactly.
_RANGE_TOLERANCE = 1e-4


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
    challenger = _candidate("challenger", paths.artifact, session.signature.sha256, scores)
    try:
        if champion is None:
            rival = _baseline(paths.artifact, len(frame), schema.task)
        else:
            rival = _champion(*champion, frame, schema)
    except (ModelError, DataError, OSError) as error:
        return Verdict("gate", Outcome.ERROR, f"the champion cannot be scored: {error}")
    return judge(
        _measure(challenger, session, paths.artifact, asked),
        rival,
        _holdout(paths, settings, frame, schema, times_asked),
        settings.gate,
        Run(
            is_forced=is_forced,
            control=Chance(**read_json(paths.artifact / TRAINING_FILE)["shuffled"]),
            cases=_cases(session, frame, settings.gate, settings.train.seed),
            legs=(_conversion(session, paths.artifact),),
        ),
        _compression(paths.artifact, settings, asked),
    )


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


def _champion(name: str, folder: Path, frame: pd.DataFrame, ours: Schema) -> Candidate:
    session = ModelSession.open(folder)
    schema = session.signature.schema
    if (schema.task, schema.classes) != (ours.task, ours.classes):
        raise ModelError(
            f"it answers {_answers(schema)}, and the challenger {_answers(ours)}",
            where=name,
            next_step="give the model with other answers a name of its own in params.yaml",
        )
    missing = sorted(set(schema.features) - set(frame.columns))
    if missing:
        raise ModelError(
            f"it needs columns that the holdout does not have: {', '.join(missing)}",
            where=name,
            next_step="keep them in the data until a version without them is live",
        )
    scores = session.predict(tensors(frame, schema)).scores
    return _candidate(name, folder, session.signature.sha256, scores)


def _answers(schema: Schema) -> str:
    return f"{schema.task} {', '.join(schema.classes)}".strip()


def _baseline(folder: Path, rows: int, task: Task) -> Candidate:
    """Before the first version, what has to be beaten is to say the same for every row."""
    answer = np.array(read_json(folder / TRAINING_FILE)["constant"], dtype=np.float64)
    constant = hashlib.sha256(f"constant {answer.tolist()!r}".encode()).hexdigest()
    return _candidate(BASELINE, folder, constant, repeated(answer, rows, task))


def _candidate(name: str, folder: Path, sha256: str, scores: npt.NDArray[np.float64]) -> Candidate:
    """A candidate that learned from what `folder` says."""
    trained = pd.read_parquet(folder / TRAINED_ON_FILE)
    until: str | None = read_json(folder / TRAINING_FILE).get("until")
    return Candidate(
        name=name,
        digest=sha256,
        scores=scores,
        trained_blocks=trained["group"].to_numpy(dtype=str),
        trained_row_hashes=trained["row"].to_numpy(),
        trained_until=np.datetime64(until) if until else None,
    )


def _measure(
    candidate: Candidate, session: ModelSession, folder: Path, asked: dict[str, Any]
) -> Candidate:
    """The candidate with the p99 latency of one row (ms) and the size of its file (MB)."""
    taken = []
    for row in range(_TIMED_ROWS):
        place = row % len(candidate.scores)
        one = {name: values[place : place + 1] for name, values in asked.items()}
        started = time.perf_counter()
        session.predict(one)
        taken.append(1000 * (time.perf_counter() - started))
    return replace(
        candidate,
        latency_ms=float(np.percentile(taken, 99)),
        megabytes=(folder / MODEL_FILE).stat().st_size / 1e6,
    )


def _columns(frame: pd.DataFrame, schema: Schema) -> dict[str, npt.NDArray[Any]]:
    known = features(frame, schema)
    return {
        name: known[name].to_numpy(dtype=np.float64 if name in schema.numbers else str)
        for name in schema.features
    }


def _cases(
    session: ModelSession, frame: pd.DataFrame, settings: GateSettings, seed: int
) -> tuple[Case, ...]:
    """How the model behaves on rows made for the purpose."""
    schema = session.signature.schema
    made = parity.cases(frame, schema, seed)
    found: list[Case] = []
    kinds: tuple[CaseKind, ...] = ("boundary", "missing")
    for kind in kinds:
        scores = session.predict(tensors(made[kind], schema)).scores
        off = range_violation(scores, schema.task)
        found.append(Case(kind, "all columns", off, _RANGE_TOLERANCE, len(scores)))
    for is_increasing, names in ((True, settings.increasing), (False, settings.decreasing)):
        for name in names:
            found.append(_direction(session, frame, name, is_increasing=is_increasing))
    return tuple(found)


def _direction(
    session: ModelSession, frame: pd.DataFrame, name: str, *, is_increasing: bool
) -> Case:
    schema = session.signature.schema
    if name not in schema.numbers:
        raise SettingsError(
            f"{name!r} is no numeric feature; those are {', '.join(schema.numbers) or 'none'}",
            where=f"params.yaml: gate.{'increasing' if is_increasing else 'decreasing'}",
            next_step="use one of those",
        )
    rows = frame.head(_DIRECTION_ROWS)
    if schema.task == "multiclass":
        raise SettingsError(
            "a direction needs an answer that is one number, and this model gives a class",
            where=f"params.yaml: gate.{'increasing' if is_increasing else 'decreasing'}",
            next_step="leave it out",
        )
    if frame[name].notna().sum() == 0:
        return Case("direction", name, 0.0, _DIRECTION_TOLERANCE, rows=0)
    values = frame[name].quantile(np.linspace(0.01, 0.99, _DIRECTION_STEPS)).to_numpy()
    steps = np.column_stack(
        [session.predict(tensors(rows.assign(**{name: value}), schema)).scores for value in values]
    )
    violation = direction_violation(steps, is_increasing=is_increasing)
    return Case("direction", name, violation, _DIRECTION_TOLERANCE, len(rows))


def _compression(
    folder: Path, settings: ModelSettings, asked: dict[str, Any]
) -> Compression | None:
    before = folder / UNCOMPRESSED_FOLDER
    if not before.is_dir():
        return None
    session = ModelSession.open(before)
    scores = session.predict(asked).scores
    candidate = Candidate("uncompressed", session.signature.sha256, scores)
    return Compression(settings.train.compress, _measure(candidate, session, before, asked))


def _conversion(session: ModelSession, folder: Path) -> Leg:
    schema = session.signature.schema
    rows = pd.read_parquet(folder / GOLDEN_FILE)
    said = read_json(folder / TRAINING_FILE)
    if said["compress"] in QUANTISED:
        # Golden rows hold what is served; the conversion was held to training before that.
        worst = max(said["parity"].values())
        return Leg("training", "ONNX", worst, CONVERSION_TOLERANCE, said["parity_rows"])
    exported = session.predict(tensors(rows, schema)).scores
    expected = golden.answers_of(rows, schema)
    return conversion_leg("training", expected, "ONNX", exported, schema.task)
