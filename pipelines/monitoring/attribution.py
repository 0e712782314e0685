"""What the live model listens to in a window, beside what it listened to in its reference.

For each feature: by how much answers change on average when its value is exchanged for that of
a row of the reference (interventional occlusion, one draw a row). It needs no labels and takes a
thousandth of SHAP values. A feature that the model hears less or more of than before explains a
drift; it is shown and does not alarm by itself, because what moves it moves answers or columns,
which may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.evaluation.importance import groups
from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.schema import CATEGORIES, NUMBERS, Schema
from pipelines.statistics.arrays import Floats

MOST_ROWS = 500
_FEWEST_ROWS = 20
# Values given to the graph for one side of the comparison: half a second with boosted trees.
_MOST_VALUES = 4_000_000
_SEED = 7


@dataclass(frozen=True)
class Attribution:
    """How far answers depend on a feature, or a patch of an image.

    Attributes:
        name: of the feature.
        before, now: the mean absolute change of the answer without its value, in the reference and
            in the window: of the probability, of half of all probabilities together for several
            classes, or of the value in its unit.
    """

    name: str
    before: float
    now: float

    @property
    def change(self) -> float:
        return self.now - self.before

    def to_json(self) -> dict[str, Any]:
        return {"feature": self.name, "before": round(self.before, 6), "now": round(self.now, 6)}


def drawn(rows: Tensors, schema: Schema) -> Tensors:
    """The rows that an attribution is made from: as many as may be paid for, drawn evenly."""
    there = len(next(iter(rows.values())))
    width = len(schema.features) * len(groups(schema))
    most = min(there, MOST_ROWS, max(_FEWEST_ROWS, _MOST_VALUES // width))
    chosen = np.sort(np.random.default_rng(_SEED).permutation(there)[:most])
    return {name: values[chosen] for name, values in rows.items()}


def effects(session: ModelSession, rows: Tensors, background: Tensors) -> dict[str, float]:
    """The mean absolute change of the answers when one feature is exchanged, by feature.

    Args:
        session: of the model.
        rows: which are answered, at least one.
        background: rows whose values are put in place of theirs.
    """
    schema = session.signature.schema
    draw = np.random.default_rng(_SEED)
    whole = session.predict(rows).scores
    others = len(next(iter(background.values())))
    found = {}
    for name, columns in groups(schema).items():
        taken = draw.integers(others, size=len(whole))
        answered = session.predict(_exchanged(rows, background, taken, schema, columns)).scores
        found[name] = float(_changes(whole, answered).mean())
    return found


def compared(before: Mapping[str, float], now: Mapping[str, float]) -> tuple[Attribution, ...]:
    """Both sides by feature, the one that changed most first."""
    listed = [Attribution(name, effect, now[name]) for name, effect in before.items()]
    return tuple(sorted(listed, key=lambda each: (-abs(each.change), each.name)))


def _exchanged(
    rows: Tensors, background: Tensors, taken: Any, schema: Schema, columns: tuple[str, ...]
) -> Tensors:
    known = (
        (NUMBERS, [schema.numbers.index(name) for name in columns if name in schema.numbers]),
        (CATEGORIES, [schema.categories.index(n) for n in columns if n in schema.categories]),
    )
    found = dict(rows)
    for kind, places in known:
        if places:
            found[kind] = rows[kind].copy()
            found[kind][:, places] = background[kind][np.ix_(taken, places)]
    return found


def _changes(whole: Floats, answered: Floats) -> Floats:
    changed = np.abs(answered - whole)
    # Half of the sum: what one class gains another loses.
    return changed if changed.ndim == 1 else changed.sum(axis=1) / 2
