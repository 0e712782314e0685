"""A real model folder, small and quick to make: what the tests of serving and scoring run on.

The graph is what training exports too: `numbers` (float64) and `categories` (strings) in,
`label` (int64) and `probabilities` (float32, rows x 2) out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from skl2onnx.sklapi import CastTransformer
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipelines.schema import CATEGORIES, NUMBERS, PROBABILITIES, Schema
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE, MODEL_FILE, Signature, digest

SCHEMA = Schema(
    numbers=("distance", "departure_hour", "wind_speed"),
    categories=("carrier", "origin"),
    target="late",
    time="departure",
)
_CARRIERS = ("AA", "B6", "DL", "EV", "UA", "Zürich")
_ORIGINS = ("EWR", "JFK", "LGA")


def make_model_folder(folder: Path, rows: int, seed: int) -> None:
    """Write a model folder: a boosted model of made-up flights, with `rows` golden rows.

    The golden rows hold missing numbers, missing categories and a category that training did
    not see, because those are where a second implementation of the features would differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _trained(rows, seed).items():
        (folder / name).write_bytes(content)


@cache
def _trained(rows: int, seed: int) -> dict[str, bytes]:
    """The files of a model folder; training takes seconds, so a test run does it once."""
    features, target = _flights(max(rows, 2000), seed, SCHEMA)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        train(folder, SCHEMA, features, target, rows=rows, rounds=30, seed=seed)
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def make_wide_model_folder(folder: Path, numbers: int, rounds: int, seed: int) -> None:
    """As `make_model_folder`, with `numbers` numeric and three string columns, for measuring."""
    schema = Schema(
        numbers=tuple(f"n{index:02d}" for index in range(numbers)),
        categories=("carrier", "origin", "tail"),
        target="late",
    )
    features, target = _flights(20_000, seed, schema)
    train(folder, schema, features, target, rows=1000, rounds=rounds, seed=seed)


def train(
    folder: Path,
    schema: Schema,
    features: pd.DataFrame,
    target: NDArray[np.int64],
    *,
    rows: int,
    rounds: int,
    seed: int,
) -> None:
    """Fit on `features` (columns in the schema's order), export, and write the four files."""
    model = _pipeline(schema, rounds, seed).fit(_matrix(features, schema), target)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(_to_onnx(model, schema))
    golden = _spoil(features.head(rows).reset_index(drop=True), schema, seed)
    golden[GOLDEN_ANSWER] = model.predict_proba(_matrix(golden, schema))[:, 1]
    golden.to_parquet(folder / GOLDEN_FILE, index=False)
    Signature(
        model="flights",
        family="hist_gradient_boosting",
        schema=schema,
        sha256=digest(folder / MODEL_FILE),
        categories_seen={
            name: sorted(features[name].unique().tolist()) for name in schema.categories
        },
    ).write(folder)
    (folder / "training.json").write_text(json.dumps({"seed": seed}) + "\n", encoding="utf-8")


def _pipeline(schema: Schema, rounds: int, seed: int) -> Pipeline:
    count = len(schema.numbers)
    # Scaling in float64 and only then casting: skl2onnx's trees compare in float32, and a
    # large-scale column that is cast first can fall on the other side of a threshold.
    numbers = Pipeline(
        [
            ("scale", StandardScaler()),
            ("cast", CastTransformer(np.float32)),
            ("impute", SimpleImputer(strategy="mean")),
        ]
    )
    # float32 as well, or the concatenation is float64 in scikit-learn and float32 in ONNX.
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    parts = [("numbers", numbers, list(range(count)))]
    if schema.categories:
        positions = list(range(count, count + len(schema.categories)))
        parts.append(("categories", categories, positions))
    return Pipeline(
        [
            ("columns", ColumnTransformer(parts)),
            ("model", HistGradientBoostingClassifier(max_iter=rounds, random_state=seed)),
        ]
    )


def _matrix(frame: pd.DataFrame, schema: Schema) -> NDArray[np.object_]:
    """One object array, numbers first: integer positions then mean the same as in ONNX."""
    numbers = frame[list(schema.numbers)].to_numpy(np.float64)
    if not schema.categories:
        return numbers.astype(object)
    categories = frame[list(schema.categories)].fillna("").to_numpy(object)
    return np.hstack([numbers.astype(object), categories])


def _to_onnx(model: Pipeline, schema: Schema) -> bytes:
    inputs: list[tuple[str, object]] = [(NUMBERS, DoubleTensorType([None, len(schema.numbers)]))]
    if schema.categories:
        inputs.append((CATEGORIES, StringTensorType([None, len(schema.categories)])))
    # Without zipmap the second output is a plain tensor, already called `probabilities`.
    graph = convert_sklearn(
        model, initial_types=inputs, options={id(model.steps[-1][1]): {"zipmap": False}}
    )
    assert [output.name for output in graph.graph.output] == ["label", PROBABILITIES]
    return graph.SerializeToString()


def _flights(rows: int, seed: int, schema: Schema) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Made-up flights: late ones are far, windy, and carried by a few carriers."""
    draw = np.random.default_rng(seed)
    values: Mapping[str, tuple[str, ...]] = {"carrier": _CARRIERS, "origin": _ORIGINS}
    tails = tuple(f"N{number:05d}" for number in range(200))
    frame = pd.DataFrame(
        {
            name: draw.lognormal(mean=index % 7, size=rows)
            for index, name in enumerate(schema.numbers)
        }
        | {name: draw.choice(values.get(name, tails), rows) for name in schema.categories}
    )
    # object, not pandas' own string type, so that None stays None in the Parquet file.
    frame = frame.astype(dict.fromkeys(schema.categories, object))
    first = np.log(frame[schema.numbers[0]].to_numpy(np.float64))
    second = np.log(frame[schema.numbers[1]].to_numpy(np.float64)) - 1
    bad_carrier = (
        frame[schema.categories[0]].isin(_CARRIERS[:2]).to_numpy() if schema.categories else 0
    )
    odds = 1 / (1 + np.exp(-(first + 0.5 * second + bad_carrier - 0.5)))
    return frame, (draw.random(rows) < odds).astype(np.int64)


def _spoil(frame: pd.DataFrame, schema: Schema, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed + 1)
    spoiled = frame.copy()
    for name in schema.numbers:
        spoiled.loc[draw.random(len(frame)) < 0.05, name] = np.nan
    for name in schema.categories:
        spoiled.loc[draw.random(len(frame)) < 0.05, name] = None
        spoiled.loc[draw.random(len(frame)) < 0.02, name] = "never seen"
    return spoiled
