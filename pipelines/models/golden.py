"""Golden rows: what every later form of a model is held to, with the answers of training code."""

from __future__ import annotations

import pandas as pd

from pipelines.models.base import Scores
from pipelines.models.parity import cases, spread
from pipelines.schema import Schema
from pipelines.signature import golden_answers


def rows_of(frame: pd.DataFrame, schema: Schema, rows: int, seed: int) -> pd.DataFrame:
    """The hard rows of `parity.cases`, then ordinary ones.

    A small table gives fewer than asked for, never the same row twice over: a thousand copies
    would prove no more than one row does.
    """
    made = cases(frame, schema, seed)
    hard = [spread(made[kind], rows // 10) for kind in made if kind != "ordinary"]
    missing = rows - sum(len(part) for part in hard)
    known = frame[list(schema.features)]
    ordinary = known.sample(min(max(missing, 0), len(known)), random_state=seed)
    together = pd.concat([*hard, ordinary.astype(object)], ignore_index=True)
    return together.astype(dict.fromkeys(schema.numbers, "float64")).infer_objects()


def with_answers(rows: pd.DataFrame, scores: Scores, schema: Schema) -> pd.DataFrame:
    """The rows with what training code said of them, in the columns of `golden_answers`."""
    answers = scores.reshape(len(rows), -1)
    named = pd.DataFrame(answers, columns=golden_answers(schema), index=rows.index)
    return pd.concat([rows, named], axis=1)


def answers_of(rows: pd.DataFrame, schema: Schema) -> Scores:
    """What `with_answers` wrote, in the shape of `Fitted.scores`."""
    answers: Scores = rows[golden_answers(schema)].to_numpy(dtype="float64")
    return answers if schema.task == "multiclass" else answers[:, 0]
