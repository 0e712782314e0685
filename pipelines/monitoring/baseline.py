"""What a version was made on, and how good it was then: what its live window is compared with.

Features come from the rows that it learned from (`splits/reference.parquet`). Answers come from the
holdout, which it never saw: on the rows that it learned from a model is surer than it will ever be
again, and that would look like drift of its answers for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import MonitorError
from pipelines.files import read_json
from pipelines.inference.encode import Tensors
from pipelines.inference.session import ModelSession
from pipelines.monitoring import attribution
from pipelines.monitoring.answers import Scored, losses, output_columns
from pipelines.monitoring.comparing import CategoryReference, NumberReference, Reference
from pipelines.monitoring.images import Projector
from pipelines.monitoring.importance import important_features
from pipelines.schema import CATEGORIES, MISSING_CATEGORY, NUMBERS, Schema
from pipelines.settings import MonitorSettings
from pipelines.statistics import quality
from pipelines.statistics.blocks import Blocks
from pipelines.statistics.calibration import confidence
from pipelines.statistics.estimate import Estimate
from pipelines.statistics.expected import Calibration

_SEED = 7
_ROUNDS = 500
REFERENCE = "reference.parquet"
HOLDOUT = "holdout.parquet"
ATTRIBUTION = "attribution.json"
EXPECTATIONS = "expectations.yaml"


@dataclass(frozen=True)
class VersionFiles:
    """Where the files of a version are on this machine.

    Attributes:
        name: `flights@v3`.
        model: its model folder.
        evidence: a folder with the reference and the holdout, and perhaps the attribution and the
            expectations.
    """

    name: str
    model: Path
    evidence: Path

    @property
    def lacking(self) -> list[str]:
        """The files that nothing can be compared without, and that are not there."""
        return [name for name in (REFERENCE, HOLDOUT) if not (self.evidence / name).exists()]


@dataclass(frozen=True, eq=False)
class Baseline:
    """A version's reference, ready to be compared with.

    Attributes:
        session: the version's graph.
        references: by column, as `feature wind_speed`, `output probability`, `image contrast`.
        important: those of them whose drift may alarm.
        projector: measures images; None for everything else.
        quality: the measure of the task on the holdout.
        loss: the mean loss on the holdout, see `answers.losses`.
        error_scale: what the errors of a regression are divided by; 1 for everything else.
        calibration: what its probabilities meant on the holdout; None for a regression.
        background: some rows of the reference, for attributions.
        files: where all this came from.
    """

    session: ModelSession
    references: Mapping[str, Reference]
    important: frozenset[str]
    projector: Projector | None
    quality: Estimate
    loss: Estimate
    error_scale: float
    calibration: Calibration | None
    background: Tensors
    files: VersionFiles

    @cached_property
    def attributions(self) -> dict[str, float]:
        """By feature how far answers depend on it in the reference, see `attribution.effects`."""
        return attribution.effects(self.session, self.background, self.background)

    @property
    def schema(self) -> Schema:
        return self.session.signature.schema

    @cached_property
    def score_reference(self) -> NumberReference:
        """Of the one number that says most of an answer."""
        return next(
            reference
            for name, reference in self.references.items()
            if name.startswith("output ") and isinstance(reference, NumberReference)
        )


def of_version(files: VersionFiles, settings: MonitorSettings) -> Baseline:
    """Read a version's files, and score its holdout.

    Raises:
        MonitorError: a file is missing or is not what it should be.
        ModelError: the graph cannot be used.
        DataError: its rows cannot be scored.
    """
    if files.lacking:
        raise MonitorError(
            f"has no {' and no '.join(files.lacking)}",
            where=files.name,
            next_step="`dvc fetch` from a remote that has its `splits`, or retrain",
        )
    session = ModelSession.open(files.model, threads=2)
    schema = session.signature.schema
    reference, labels, blocks, scored = _read(files, session, settings.sample_rows)
    projector = _projector(reference, schema)
    found = _of_features(reference, session, projector) | _of_outputs(scored, schema)
    scale = _error_scale(schema, labels, scored)
    lost = losses(schema, labels, scored.scores, scale)
    return Baseline(
        session=session,
        references=found,
        important=important_features(found, _importance(files), settings.important_share),
        projector=projector,
        quality=quality.estimate(schema.task, labels, scored.scores, blocks, _ROUNDS, _SEED),
        loss=quality.of_mean(lost, blocks, _ROUNDS, _SEED),
        error_scale=scale,
        calibration=_calibration(schema, labels, scored),
        background=attribution.drawn(reference, schema),
        files=files,
    )


def _read(
    files: VersionFiles, session: ModelSession, most: int
) -> tuple[Tensors, NDArray[Any], Blocks, Scored]:
    """The reference's features; the holdout's labels, which rows belong together, and answers."""
    import pandas as pd

    from pipelines import frames

    schema = session.signature.schema
    try:
        reference = frames.tensors(pd.read_parquet(files.evidence / REFERENCE), schema)
        rows = pd.read_parquet(files.evidence / HOLDOUT)
        if len(rows) > most:
            rows = rows.sample(most, random_state=_SEED).sort_index()
        labels, blocks = frames.labels(rows, schema), Blocks.of(frames.groups(rows, schema))
        answered = session.predict(frames.tensors(rows, schema))
    except (OSError, ValueError, KeyError) as error:
        raise MonitorError(
            f"its reference cannot be read: {error}",
            where=str(files.evidence),
            next_step="remove the folder, so that it is fetched anew; or retrain",
        ) from error
    return reference, labels, blocks, Scored(answered.scores, answered.labels)


def _of_features(
    tensors: Tensors, session: ModelSession, projector: Projector | None
) -> dict[str, Reference]:
    schema, found = session.signature.schema, dict[str, Reference]()
    if projector is not None:
        for name, values in projector(tensors[NUMBERS]).items():
            found[f"image {name}"] = NumberReference.of(values)
    else:
        for place, name in enumerate(schema.numbers):
            found[f"feature {name}"] = NumberReference.of(tensors[NUMBERS][:, place])
    for place, name in enumerate(schema.categories):
        seen = frozenset(session.signature.categories_seen.get(name, ()))
        found[f"feature {name}"] = _category(tensors[CATEGORIES][:, place], seen)
    return found


def _of_outputs(scored: Scored, schema: Schema) -> dict[str, Reference]:
    numbers, names = output_columns(scored, schema)
    found: dict[str, Reference] = {
        f"output {name}": NumberReference.of(values) for name, values in numbers.items()
    }
    for name, values in names.items():
        found[f"output {name}"] = _category(values, frozenset(schema.classes))
    return found


def _category(values: NDArray[Any], seen: frozenset[str]) -> CategoryReference:
    names, counts = np.unique(values.astype(str), return_counts=True)
    known = dict(zip(names.tolist(), counts.tolist(), strict=True))
    missing = known.pop(MISSING_CATEGORY, 0)
    return CategoryReference(known, missing, seen | frozenset(known))


def _projector(tensors: Tensors, schema: Schema) -> Projector | None:
    if schema.image is None:
        return None
    return Projector.fit(tensors[NUMBERS], schema.image, _SEED)


def _importance(files: VersionFiles) -> dict[str, float]:
    path = files.evidence / ATTRIBUTION
    if not path.exists():
        return {}
    try:
        listed = read_json(path)["features"]
        return {each["name"]: float(each["importance"]) for each in listed}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MonitorError(
            f"no attribution of features: {error}",
            where=str(path),
            next_step="remove the folder, so that it is fetched anew",
        ) from error


def _error_scale(schema: Schema, labels: NDArray[Any], scored: Scored) -> float:
    if schema.task != "regression":
        return 1.0
    # Ten times the usual error counts as wrong altogether: one wild value is not a hundred.
    return 10 * max(float(np.abs(labels - scored.scores).mean()), 1e-12)


def _calibration(schema: Schema, labels: NDArray[Any], scored: Scored) -> Calibration | None:
    if schema.task == "regression":
        return None
    return Calibration.of(*confidence(labels, scored.scores))
