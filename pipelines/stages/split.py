"""split: train, tuning and holdout that share no group, and the drift reference.

With a time column, whole days go to one side and later days to later sides: what is asked of the
model in production is always the future. Without one, whole groups (or single rows) go to a side
by the digest of their value, so that a group stays on its side when more data arrives.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from pipelines.errors import DataError
from pipelines.files import emptied, write_json, write_parquet
from pipelines.frames import read_partitions
from pipelines.paths import ModelPaths
from pipelines.schema import Schema
from pipelines.settings import ModelSettings, SplitSettings

SIDES = ("train", "tuning", "holdout")
LEFT_OUT = "left out"


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `splits/`.

    Raises:
        DataError: a side has no rows or lacks classes, there are too few days, or rows have no
            group.
    """
    schema = Schema.read(paths.clean)
    frame = read_partitions(paths.clean)
    sides = divide(frame, schema, settings.split)
    emptied(paths.splits)
    summary = {}
    for name in SIDES:
        part = frame[sides == name].reset_index(drop=True)
        _require_labels(part, schema, name, paths.model)
        write_parquet(part, paths.splits / f"{name}.parquet")
        summary[name] = _describe(part, schema)
        print(f"{name}: {len(part):,} rows", flush=True)
    if (sides == LEFT_OUT).any():
        summary[LEFT_OUT] = _describe(frame[sides == LEFT_OUT], schema)
    # What the model learns from is what production should look like.
    known = frame[sides.isin(["train", "tuning"])]
    reference = known.sample(
        min(settings.split.reference_rows, len(known)), random_state=settings.split.seed
    ).sort_index()
    write_parquet(reference.reset_index(drop=True), paths.splits / "reference.parquet")
    schema.write(paths.splits)
    write_json(summary, paths.splits / "split.json")


def divide(frame: pd.DataFrame, schema: Schema, settings: SplitSettings) -> pd.Series:
    """Name the side of every row: a series of "train", "tuning", "holdout" and "left out".

    Raises:
        DataError: there are too few days for the days asked for, or rows have no group.
    """
    if schema.group is not None and frame[schema.group].isna().any():
        raise DataError(
            f"{int(frame[schema.group].isna().sum())} rows have no value",
            where=f"column {schema.group!r} (ingest.group)",
            next_step="fill it, or have expectations.yaml put such rows into quarantine",
        )
    if schema.time is not None:
        return _by_time(frame, schema, settings)
    key = frame[schema.group] if schema.group else pd.util.hash_pandas_object(frame, index=False)
    place = key.astype(str).map(_place)
    sides = pd.Series("train", index=frame.index)
    sides[place < settings.holdout_share + settings.tuning_share] = "tuning"
    sides[place < settings.holdout_share] = "holdout"
    return sides


def _by_time(frame: pd.DataFrame, schema: Schema, settings: SplitSettings) -> pd.Series:
    days = frame[schema.time].dt.floor("D")
    distinct = days.drop_duplicates().sort_values()
    needed = settings.tuning_days + settings.holdout_days + 1
    if len(distinct) < needed:
        raise DataError(
            f"{len(distinct)} days of data, and {needed} are needed for "
            f"{settings.tuning_days} of tuning, {settings.holdout_days} of holdout and one to "
            "train on",
            where="params.yaml: split.tuning_days, split.holdout_days",
            next_step="lower them, or widen ingest.since and ingest.until",
        )
    holdout_from = distinct.iloc[-settings.holdout_days]
    tuning_from = distinct.iloc[-settings.holdout_days - settings.tuning_days]
    sides = pd.Series("train", index=frame.index)
    sides[days >= tuning_from] = "tuning"
    sides[days >= holdout_from] = "holdout"
    if schema.group is None:
        return sides
    # A group that reaches into a later side keeps its rows of that side only. Moving its earlier
    # rows along instead would put the past into the holdout.
    rank = sides.map({name: place for place, name in enumerate(SIDES)})
    latest = rank.groupby(frame[schema.group]).transform("max")
    return sides.where(rank == latest, LEFT_OUT)


def _place(value: str) -> float:
    """A number in [0, 1) that depends on nothing but the value."""
    return int.from_bytes(hashlib.sha256(value.encode()).digest()[:8], "big") / 2**64


def _require_labels(part: pd.DataFrame, schema: Schema, name: str, model: str) -> None:
    """Something to tell apart on every side, and every class on the side that is learned from."""
    distinct = sorted(part[schema.target].unique().tolist())
    lacking = [
        schema.classes[place] for place in range(len(schema.classes)) if place not in distinct
    ]
    if len(part) == 0:
        problem = "no rows"
    elif len(distinct) < 2:
        problem = f"only class {distinct[0]}" if schema.task != "regression" else "one value only"
    elif name == "train" and lacking:
        problem = f"no row of {', '.join(lacking)}"
    else:
        return
    raise DataError(
        f"the {name} side has {problem}",
        where=f"params.yaml: models.{model}.split",
        next_step="widen that side, or bring more data",
    )


def _labels(part: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """What the labels look like: the share of each class, or the middle and the spread."""
    target = part[schema.target]
    if schema.task == "regression":
        found = {"median": target.median(), "mean": target.mean(), "deviation": target.std()}
    elif schema.task == "binary":
        found = {"positive_share": target.mean()}
    else:
        shares = target.value_counts(normalize=True)
        found = {name: shares.get(place, 0.0) for place, name in enumerate(schema.classes)}
    return {name: round(float(value), 6) for name, value in found.items()}


def _describe(part: pd.DataFrame, schema: Schema) -> dict[str, object]:
    described: dict[str, object] = {"rows": len(part), "labels": _labels(part, schema)}
    if schema.time:
        described["first"] = str(part[schema.time].min().date())
        described["last"] = str(part[schema.time].max().date())
    return described
