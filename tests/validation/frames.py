"""Small real tables on disk, as ingest leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.settings import ModelSettings, parse

SCHEMA = Schema(numbers=("x", "y"), categories=("c",), target="t", time="day")


def month(name: str, rows: int = 100, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "day": pd.date_range(f"{name}-01", periods=28).to_numpy()[np.arange(rows) % 28],
            "x": random.normal(size=rows),
            "y": random.integers(0, 9, size=rows),
            "c": random.choice(["a", "b"], size=rows),
            "t": np.arange(rows) % 2 * 1.0,
        }
    )


def settings(**validate: Any) -> ModelSettings:
    ingest = {"dataset": "table", "source": "x.csv", "since": "2024-01", "until": "2024-02"}
    content = {"ingest": ingest, "validate": validate, "train": {"family": "logistic"}}
    return parse({"models": {"shop": content}}).model("shop")


def project(
    root: Path,
    parts: dict[str, pd.DataFrame] | None = None,
    tables: dict[str, pd.DataFrame] | None = None,
    expectations: str = "",
) -> ModelPaths:
    """The raw folder of a model "shop", with two good months unless told otherwise."""
    paths = ModelPaths(root, "shop")
    (paths.raw / "tables").mkdir(parents=True)
    if parts is None:
        parts = {"2024-01": month("2024-01"), "2024-02": month("2024-02", seed=1)}
    for name, frame in parts.items():
        frame.to_parquet(paths.raw / f"{name}.parquet", index=False)
    for name, frame in (tables or {}).items():
        frame.to_parquet(paths.raw / "tables" / f"{name}.parquet", index=False)
    SCHEMA.write(paths.raw)
    paths.expectations.write_text(expectations, encoding="utf-8")
    return paths
