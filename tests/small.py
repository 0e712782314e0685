"""A small project with a real signal: a table over time, with groups, gaps and categories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from pipelines.files import write_json, write_parquet
from pipelines.frames import labels
from pipelines.paths import ModelPaths
from pipelines.schema import Schema, Task
from pipelines.settings import ModelSettings, Settings, parse
from pipelines.signature import TRAINING_FILE
from pipelines.stages import evaluate, split, train

MODEL = "shop"
SCHEMA = Schema(
    numbers=("spend", "visits", "age"), categories=("city", "plan"), target="left", time="day"
)
DAYS = 60


def table(rows: int = 3000, seed: int = 0, days: int = DAYS) -> pd.DataFrame:
    """Rows in order of their day; AUC of a good model is about 0.8.

    `customer` is a group of about ten rows; a tenth of `age` and of `city` is missing.
    """
    draw = np.random.default_rng(seed)
    spend = draw.lognormal(3, 1, rows)
    visits = draw.integers(0, 30, rows).astype(float)
    age = draw.normal(45, 15, rows)
    city = draw.choice(["Oslo", "Bergen", "Ålesund"], rows)
    plan = draw.choice(["basic", "full"], rows, p=[0.7, 0.3])
    odds = 1.2 * (np.log(spend) - 3) - 0.1 * (visits - 15) + (plan == "basic") + (city == "Oslo")
    left = (draw.random(rows) < 1 / (1 + np.exp(1.5 - odds))).astype(float)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(draw.integers(0, days, rows)), "D")
    return pd.DataFrame(
        {
            "day": day.astype("datetime64[us]"),
            "customer": [f"c{number}" for number in draw.integers(0, rows // 10, rows)],
            "spend": spend,
            "visits": visits,
            "age": np.where(draw.random(rows) < 0.1, np.nan, age),
            "city": pd.Series(city).where(draw.random(rows) >= 0.1).astype("str"),
            "plan": pd.Series(plan).astype("str"),
            "left": left,
        }
    )


def tasked(frame: pd.DataFrame, task: Task) -> tuple[pd.DataFrame, Schema]:
    """The table with labels for another task, made from its columns and a little noise."""
    if task == "binary":
        return frame, SCHEMA
    noise = np.random.default_rng(5).normal(0, 0.5, len(frame))
    value = np.log(frame["spend"]) - 0.1 * frame["visits"] + (frame["plan"] == "basic") + noise
    if task == "regression":
        return frame.assign(left=10 * value), replace(SCHEMA, task="regression")
    classes = np.digitize(value, np.quantile(value, [0.4, 0.8])).astype(float)
    return frame.assign(left=classes), replace(
        SCHEMA, task="multiclass", classes=("low", "middle", "high")
    )


def labelled(task: Task) -> tuple[Any, Schema]:
    """The labels of the table for a task, and its schema."""
    frame, schema = tasked(table(500), task)
    return labels(frame, schema), schema


def content(**sections: Any) -> dict[str, Any]:
    """A params.yaml for the table; sections are merged over it."""
    model: dict[str, Any] = {
        "ingest": {
            "dataset": "table",
            "source": "shop.csv",
            "target": "left",
            "time": "day",
            "ignore": ["customer"],
        },
        "split": {"tuning_days": 10, "holdout_days": 15, "reference_rows": 300},
        "tune": {"trials": 3, "workers": 1},
        "train": {"family": "logistic"},
        "evaluate": {"slices": ["city", "month"], "bootstrap_rounds": 200, "importance_rows": 400},
        "gate": {"bootstrap_rounds": 200, "margin": 0.1, "slice_margin": 0.3},
    }
    for name, section in sections.items():
        model[name] = {**model.get(name, {}), **section}
    return {"models": {MODEL: model}}


def settings(**sections: Any) -> ModelSettings:
    """The settings of the table's model."""
    return all_settings(**sections).model(MODEL)


def all_settings(**sections: Any) -> Settings:
    return parse(content(**sections))


def clean(root: Path, frame: pd.DataFrame | None = None, schema: Schema = SCHEMA) -> ModelPaths:
    """A project in `root` that has come as far as validate."""
    paths = ModelPaths(root, MODEL)
    write_parquet(table() if frame is None else frame, paths.clean / "all.parquet")
    schema.write(paths.clean)
    summary = {
        "outcome": "PASSED",
        "tables": {
            "rows": {"read": 3000, "kept": 3000, "quarantined": 0, "quarantined_share": 0.0}
        },
        "rules": {"held": 4, "failed_critical": 0, "failed_warning": 0, "failed_info": 0},
    }
    write_json(summary, paths.validation_summary)
    write_json({"source": "shop.csv"}, paths.source)
    return paths


def chosen(paths: ModelPaths, **params: Any) -> None:
    """What tune leaves for train, without a search."""
    write_json(
        {
            "params": params,
            "metric": "auc",
            "tuning_score": 0.8,
            "default_score": 0.79,
            "trial": 2,
            "trials": 3,
            "pruned": 0,
        },
        paths.study / "best.json",
    )
    for name in ("history", "knobs"):
        (paths.study / f"{name}.svg").write_text("<svg></svg>", encoding="utf-8")


def trained(
    root: Path,
    frame: pd.DataFrame | None = None,
    schema: Schema = SCHEMA,
    params: dict[str, Any] | None = None,
    **sections: Any,
) -> tuple[ModelPaths, ModelSettings]:
    """A project that has come through split, train and evaluate."""
    known = settings(**sections)
    paths = clean(root, frame, schema)
    split.run(paths, known)
    chosen(paths, **(params or {}))
    train.run(paths, known)
    assert (paths.artifact / TRAINING_FILE).exists()
    evaluate.run(paths, known)
    return paths, known


def project(root: Path, frame: pd.DataFrame | None = None, **sections: Any) -> ModelPaths:
    """A project before its first stage: params.yaml, the source file, nothing else."""
    found = content(**sections)
    (root / "params.yaml").write_text(yaml.safe_dump(found), encoding="utf-8")
    (table() if frame is None else frame).to_csv(root / "shop.csv", index=False)
    return ModelPaths(root, MODEL)
