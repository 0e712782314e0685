"""train: fit the best hyperparameters on train and tuning, and export a graph that is proved."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines import registry
from pipelines.files import emptied, read_json, replacing, write_json, write_parquet
from pipelines.frames import features, groups, labels, row_hashes, tensors
from pipelines.inference.session import ModelSession
from pipelines.models import golden, incremental, parity
from pipelines.models.base import Charted, Continuable, Family, Fitted, Params, Training, last
from pipelines.models.compress import compress
from pipelines.models.incremental import Parent
from pipelines.models.tasks import require_task
from pipelines.models.threads import one_thread
from pipelines.paths import ModelPaths, home
from pipelines.schema import Schema
from pipelines.settings import ModelSettings
from pipelines.signature import (
    GOLDEN_FILE,
    MODEL_FILE,
    RESUME_FOLDER,
    TRAINED_ON_FILE,
    TRAINING_FILE,
    UNCOMPRESSED_FOLDER,
    Signature,
    digest,
)
from pipelines.statistics.chance import Chance, chance
from pipelines.statistics.constant import best_constant

_LEARNED_FROM = ("train", "tuning")
_CALIBRATION_ROWS = 500


def run(paths: ModelPaths, settings: ModelSettings) -> None:
    """Write `model/`.

    Raises:
        ModelError: the family cannot be trained so, its graph differs from the model, or the
            parent cannot be gone on from.
        SettingsError: the family is not for this task, or not for this mode.
    """
    schema = Schema.read(paths.splits)
    train, tuning = (pd.read_parquet(paths.splits / f"{side}.parquet") for side in _LEARNED_FROM)
    known = pd.concat([train, tuning], ignore_index=True)
    chosen = settings.train
    family: Family = registry.load(registry.MODEL_FAMILIES, chosen.family)()
    require_task(chosen.family, family, schema.task)
    parent = incremental.parent(paths.root, paths.model, chosen, family)
    params: Params = read_json(paths.study / "best.json")["params"]
    seen, new_rows = known, len(known)
    if parent is not None:
        seen, new_rows = incremental.rows_to_see(
            known, schema, parent, chosen.replay_share, chosen.seed
        )
    emptied(paths.artifact)

    print(f"fitting {chosen.family} on {len(seen):,} rows", flush=True)
    checkpoints = home(paths.root).checkpoints / paths.model / _key(paths, settings, params, parent)
    given = replace(
        _training(seen, schema, params, chosen.seed),
        checkpoints=checkpoints,
        parent=parent.resume if parent else None,
    )
    with one_thread():
        fitted = last(family.fit(given))
    found, parity_rows = _export(paths, settings, fitted, known, schema)
    if isinstance(fitted, Continuable) and family.can_continue:
        fitted.save(paths.artifact / RESUME_FOLDER)
    print("training once more on shuffled labels, which must teach nothing", flush=True)
    control = _shuffled_control(family, train, tuning, schema, params, chosen.seed)
    write_json(
        {
            "params": dict(params),
            "mode": chosen.mode,
            "parent": parent.name if parent else None,
            "rows": len(known),
            "rows_seen": len(seen),
            "rows_new": new_rows,
            "constant": best_constant(labels(known, schema), schema).tolist(),
            "until": str(known[schema.time].max()) if schema.time else None,
            "parity": found,
            "parity_rows": parity_rows,
            "compress": chosen.compress,
            "curve": fitted.curve() if isinstance(fitted, Charted) else [],
            "shuffled": asdict(control),
        },
        paths.artifact / TRAINING_FILE,
    )
    write_parquet(_trained_on(known, schema, parent), paths.artifact / TRAINED_ON_FILE)
    # The model is whole: what was kept for the case of a kill is of no more use.
    shutil.rmtree(checkpoints, ignore_errors=True)


def _key(paths: ModelPaths, settings: ModelSettings, params: Params, parent: Parent | None) -> str:
    """Digest of what this training depends on, so that it never goes on from another's epochs."""
    data = [digest(paths.splits / f"{side}.parquet") for side in _LEARNED_FROM]
    start = digest(parent.folder / MODEL_FILE) if parent else None
    told = [data, dict(params), settings.train.model_dump(mode="json"), start]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _trained_on(known: pd.DataFrame, schema: Schema, parent: Parent | None) -> pd.DataFrame:
    """What the model has seen, so that a gate can tell whether its holdout was among it."""
    seen = pd.DataFrame({"group": groups(known, schema), "row": row_hashes(known, schema)})
    if parent is None:
        return seen
    # What the parent has seen, the child has seen.
    return pd.concat([parent.trained_on, seen], ignore_index=True).drop_duplicates("row")


def _export(
    paths: ModelPaths, settings: ModelSettings, fitted: Fitted, known: pd.DataFrame, schema: Schema
) -> tuple[dict[str, float], int]:
    """Write the graph, its signature and its golden rows.

    Returns:
        By how much the graph differs from the model for each kind of row, and over how many rows.

    Raises:
        ModelError: the graph cannot be run, differs from the model by more than is allowed, or
            cannot be compressed as asked.
    """
    chosen = settings.train
    exported = fitted.to_onnx(paths.model)
    is_compressed = chosen.compress != "none"
    # Before it is compressed the graph must be the model; afterwards the gate compares the two.
    first = paths.artifact / UNCOMPRESSED_FOLDER if is_compressed else paths.artifact
    signature = _unsigned(paths.model, chosen.family, known, schema)
    _write_graph(first, exported, signature)
    print("holding the exported graph to the trained model", flush=True)
    cases = parity.cases(known, schema, chosen.seed)
    found = parity.differences(fitted, ModelSession.open(first), cases)
    parity.require(found, chosen.parity_tolerance, paths.model)

    rows = golden.rows_of(known, schema, chosen.golden_rows, chosen.seed)
    if is_compressed:
        print(f"compressing it to {chosen.compress}", flush=True)
        asked = tensors(cases["ordinary"].head(_CALIBRATION_ROWS), schema)
        small = compress(chosen.compress, exported, asked, chosen.family)
        _write_graph(paths.artifact, small, signature)
        expected = ModelSession.open(paths.artifact).predict(tensors(rows, schema)).scores
    else:
        expected = fitted.scores(features(rows, schema))
    write_parquet(golden.with_answers(rows, expected, schema), paths.artifact / GOLDEN_FILE)
    return found, sum(len(frame) for frame in cases.values())


def _write_graph(folder: Path, graph: bytes, signature: Signature) -> None:
    """Write a graph, and the signature with its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / MODEL_FILE) as temporary:
        temporary.write_bytes(graph)
    replace(signature, sha256=digest(folder / MODEL_FILE)).write(folder)


def _unsigned(model: str, family: str, known: pd.DataFrame, schema: Schema) -> Signature:
    """The signature of any graph that is made from these rows, without a digest."""
    inputs = features(known, schema)
    return Signature(
        model=model,
        family=family,
        schema=schema,
        sha256="",
        categories_seen={name: sorted(set(inputs[name]) - {""}) for name in schema.categories},
    )


def _shuffled_control(
    family: Family,
    train: pd.DataFrame,
    tuning: pd.DataFrame,
    schema: Schema,
    params: Params,
    seed: int,
) -> Chance:
    """What the same training reaches where the label means nothing.

    The label column itself is permuted, once, over all rows, before anything is derived from
    them. A label that reaches the model by another way than as its label, through feature code or
    a copied column, is then permuted along, and betrays itself by doing better than chance.
    """
    known = pd.concat([train, tuning], ignore_index=True)
    order = np.random.default_rng(seed).permutation(len(known))
    known[schema.target] = known[schema.target].to_numpy()[order]
    learned, asked = known.iloc[: len(train)], known.iloc[len(train) :]
    with one_thread():
        fitted = last(family.fit(_training(learned, schema, params, seed)))
    scores = fitted.scores(features(asked, schema))
    return chance(schema.task, labels(asked, schema), scores)


def _training(frame: pd.DataFrame, schema: Schema, params: Params, seed: int) -> Training:
    return Training(features(frame, schema), labels(frame, schema), schema, params, seed)
