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

from pipelines.errors import ModelError
from pipelines.files import read_json
from pipelines.frames import features, groups, labels, row_hashes, slice_columns, tensors
from pipelines.gates.behaviour import direction_violation, range_violation
from pipelines.gates.evidence import Candidate, Case, Holdout, Leg, Run, ShuffledControl
from pipelines.gates.judge import judge
from pipelines.gates.skew import conversion_leg
from pipelines.inference.session import ModelSession
from pipelines.models import parity
from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.settings import GateSettings, ModelSettings
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE, MODEL_FILE, digest
from pipelines.verdicts import Outcome, Verdict

BASELINE = "baseline"
_TIMED_ROWS = 500
_DIRECTION_ROWS = 200
_DIRECTION_STEPS = 20


def holdout_digest(paths: ModelPaths) -> str:
    """What the holdout is known by, to count how often it was asked."""
    return digest(paths.splits / "holdout.parquet")


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
    """
    schema = Schema.read(paths.splits)
    frame = pd.read_parquet(paths.splits / "holdout.parquet")
    session = ModelSession.open(paths.artifact)
    asked = tensors(frame, schema)
    challenger = _candidate(
        "challenger", paths.artifact, session.predict(asked).probabilities, _trained_until(paths)
    )
    holdout = Holdout(
        labels=labels(frame, schema).astype(np.float64),
        blocks=groups(frame, schema).astype(str),
        row_hashes=row_hashes(frame, schema),
        data_hash=holdout_digest(paths),
        time=frame[schema.time].to_numpy() if schema.time else None,
        slices={
            name: values.astype(str)
            for name, values in slice_columns(
                frame, schema, (*settings.evaluate.slices, *settings.gate.fairness)
            ).items()
        },
        features=_columns(frame, schema),
        times_asked=times_asked,
    )
    try:
        rival = _champion(champion, paths, schema, frame)
    except ModelError as error:
        return Verdict("gate", Outcome.ERROR, f"the champion cannot be scored: {error}")
    return judge(
        _measure(challenger, session, paths.artifact, asked),
        rival,
        holdout,
        settings.gate,
        Run(
            is_forced=is_forced,
            control=ShuffledControl(**read_json(paths.artifact / "training.json")["shuffled"]),
            cases=_cases(session, frame, settings.gate, settings.train.seed),
            legs=(_conversion(session, paths.artifact),),
        ),
    )


def _champion(
    champion: tuple[str, Path] | None, paths: ModelPaths, schema: Schema, frame: pd.DataFrame
) -> Candidate:
    if champion is not None:
        name, folder = champion
        session = ModelSession.open(folder)
        needed = set(session.signature.schema.features)
        missing = sorted(needed - set(frame.columns))
        if missing:
            raise ModelError(
                f"it needs columns that the holdout does not have: {', '.join(missing)}",
                where=name,
                next_step="keep them in the data until a version without them is live",
            )
        scores = session.predict(tensors(frame, session.signature.schema)).probabilities
        return _candidate(name, folder, scores, read_json(folder / "training.json").get("until"))
    # Before the first version, what has to be beaten is to say the same for every row.
    train = pd.read_parquet(paths.splits / "train.parquet", columns=[schema.target])
    share = float(train[schema.target].mean())
    trained = pd.read_parquet(paths.artifact / "trained_on.parquet")
    return Candidate(
        name=BASELINE,
        digest=hashlib.sha256(f"constant {share!r}".encode()).hexdigest(),
        scores=np.full(len(frame), share),
        trained_blocks=trained["group"].to_numpy(dtype=str),
        trained_row_hashes=trained["row"].to_numpy(),
        trained_until=_as_time(_trained_until(paths)),
    )


def _candidate(
    name: str, folder: Path, scores: npt.NDArray[np.float64], until: str | None
) -> Candidate:
    trained = pd.read_parquet(folder / "trained_on.parquet")
    return Candidate(
        name=name,
        digest=digest(folder / MODEL_FILE),
        scores=scores,
        trained_blocks=trained["group"].to_numpy(dtype=str),
        trained_row_hashes=trained["row"].to_numpy(),
        trained_until=_as_time(until),
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


def _trained_until(paths: ModelPaths) -> str | None:
    until: str | None = read_json(paths.artifact / "training.json").get("until")
    return until


def _as_time(until: str | None) -> np.datetime64 | None:
    return np.datetime64(until) if until else None


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
    boundary = session.predict(tensors(made["boundary"], schema)).probabilities
    missing = session.predict(tensors(made["missing"], schema)).probabilities
    found = [
        Case("boundary", "all columns", range_violation(boundary), 0.0, len(boundary)),
        Case("missing", "all columns", range_violation(missing), 0.0, len(missing)),
    ]
    for is_increasing, names in ((True, settings.increasing), (False, settings.decreasing)):
        for name in names:
            found.append(_direction(session, frame, name, is_increasing=is_increasing))
    return tuple(found)


def _direction(
    session: ModelSession, frame: pd.DataFrame, name: str, *, is_increasing: bool
) -> Case:
    schema = session.signature.schema
    rows = frame.head(_DIRECTION_ROWS)
    values = frame[name].quantile(np.linspace(0.01, 0.99, _DIRECTION_STEPS)).to_numpy()
    steps = np.column_stack(
        [
            session.predict(tensors(rows.assign(**{name: value}), schema)).probabilities
            for value in values
        ]
    )
    violation = direction_violation(steps, is_increasing=is_increasing)
    return Case("direction", name, violation, 1e-6, len(rows))


def _conversion(session: ModelSession, folder: Path) -> Leg:
    golden = pd.read_parquet(folder / GOLDEN_FILE)
    exported = session.predict(tensors(golden, session.signature.schema)).probabilities
    expected = golden[GOLDEN_ANSWER].to_numpy(dtype=np.float64)
    return conversion_leg("training", expected, "ONNX", exported)
