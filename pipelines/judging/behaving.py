"""How a model behaves on rows that are made to find out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.errors import SettingsError
from pipelines.frames import tensors
from pipelines.gates.behaviour import direction_violation, range_violation
from pipelines.gates.evidence import Case, CaseKind
from pipelines.inference.session import ModelSession
from pipelines.models import parity
from pipelines.settings import GateSettings

_DIRECTION_ROWS = 200
_DIRECTION_STEPS = 20
_DIRECTION_TOLERANCE = 1e-6
# Ten float32 probabilities do not add up to 1 exactly.
_RANGE_TOLERANCE = 1e-4


def cases(
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
