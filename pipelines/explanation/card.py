"""The model card (Mitchell et al. 2019): what a person should know before relying on a version.

Written from what the stages left, and from `card.yaml` for what only people know. Where something
is not known it says so in words; there is no empty heading and no invented sentence.
"""

from __future__ import annotations

from typing import Any

from pipelines.evaluation import evidence as shown
from pipelines.evaluation.names import METRICS
from pipelines.evaluation.report import Section
from pipelines.explanation import beside, limits, words
from pipelines.explanation.evidence import Evidence
from pipelines.explanation.limits import within
from pipelines.explanation.words import Words
from pipelines.paths import ModelPaths
from pipelines.reporting import formats
from pipelines.verdicts import Verdict

_MOST_SLICES = 12
_MOST_FEATURES = 5


def sections(
    paths: ModelPaths, verdict: Verdict | None, made_from: dict[str, str]
) -> list[Section]:
    """The card of a model whose stages have run.

    Args:
        paths: of the model.
        verdict: the gate's, or None before there is one.
        made_from: what the version was made from, by name.

    Raises:
        SettingsError: card.yaml is there and not usable.
        ModelError: the model folder cannot be trusted.
        OSError: a stage has left nothing.
    """
    known, said = Evidence.read(paths), words.read(paths)
    return [
        _purpose(said, paths),
        _data(known),
        _model(known),
        _quality(known),
        *_slices(known),
        _limits(known, said),
        _listens(known),
        _judged(verdict),
        *beside.full_training(verdict),
        _lineage(known, made_from),
    ]


def _purpose(said: Words | None, paths: ModelPaths) -> Section:
    if said is not None:
        return Section(
            "Purpose",
            (said.purpose, f"Intended use: {said.intended_use}", f"Contact: {said.contact}"),
        )
    file = paths.card.relative_to(paths.root).as_posix()
    return Section(
        "Purpose",
        (
            f"Nobody has said yet what this model is for, who may use it, and whom to ask. To say "
            f"it, write {file} with {', '.join(Words.model_fields)}; the next version carries it.",
        ),
    )


def _data(known: Evidence) -> Section:
    schema, rows = known.schema, known.validation["tables"]["rows"]
    what = f"{len(schema.numbers)} numbers and {len(schema.categories)} categories"
    if schema.image is not None:
        what = f"images of {' x '.join(map(str, schema.image))} (height, width, channels)"
    header = ["Part", "Rows", "Labels"]
    has_days = "first" in known.split["train"]
    return Section(
        "Data",
        (
            f"From {what} it tells {schema.target}: {_answer(known)}.",
            f"{formats.count(rows['read'])} rows were read, {formats.count(rows['quarantined'])} "
            f"went to quarantine; the validation {known.validation['outcome'].lower()}.",
        ),
        header=(*header, "Days") if has_days else tuple(header),
        rows=tuple(
            (
                name,
                formats.count(side["rows"]),
                _labels(known, side["labels"]),
                *([f"{side['first']} to {side['last']}"] if has_days else []),
            )
            for name, side in known.split.items()
        ),
    )


def _answer(known: Evidence) -> str:
    task, classes = known.schema.task, known.schema.classes
    if task == "binary":
        return "the probability that it happens"
    if task == "regression":
        return "a number in its unit"
    return f"a probability for each of {len(classes)} classes ({', '.join(classes)})"


def _labels(known: Evidence, labels: dict[str, float]) -> str:
    write = formats.number if known.schema.task == "regression" else formats.share
    return ", ".join(f"{shown.words(name)}: {write(value)}" for name, value in labels.items())


def _model(known: Evidence) -> Section:
    study, training = known.study, known.training
    return Section(
        "Model",
        (
            f"{shown.words(known.signature.family)}, trained on "
            f"{formats.count(training['rows'])} rows and exported to ONNX; the export differs "
            f"from the trained model by at most {max(training['parity'].values()):.2g}.",
            _chosen(study)
            + ", ".join(f"{name} {_number(value)}" for name, value in training["params"].items())
            + "."
            if training["params"]
            else "It has no hyperparameters.",
            *beside.teacher(training),
        ),
    )


def _chosen(study: dict[str, Any]) -> str:
    if not study["trials"]:
        return f"It goes on from {study['parent']}, with its hyperparameters: "
    return f"The hyperparameters are those of trial {study['trial']} of {study['trials']}: "


def _number(value: object) -> str:
    return formats.number(value) if isinstance(value, float) else str(value)


def _quality(known: Evidence) -> Section:
    evaluation = known.evaluation
    percent = round(100 * evaluation["confidence"])
    return Section(
        "Quality",
        (
            f"On {formats.count(evaluation['rows'])} rows that it has never seen, with "
            f"{percent} % intervals.",
        ),
        header=("Metric", "Value", "Interval", "Trivial baseline"),
        rows=tuple(
            (
                name,
                f"{evaluation['metrics'][key]['value']:.4f}",
                f"{evaluation['metrics'][key]['low']:.4f} to "
                f"{evaluation['metrics'][key]['high']:.4f}",
                f"{evaluation['baseline'][key]['value']:.4f}",
            )
            for key, name, *_ in METRICS[known.schema.task]
        ),
    )


def _slices(known: Evidence) -> list[Section]:
    """The worst slices; no section without slices, of which the limits speak."""
    measure = known.evaluation["measure"]
    judged = [each for each in known.evaluation["slices"] if each["quality"] is not None]
    if not judged:
        return []
    judged.sort(key=lambda each: each["quality"]["value"], reverse=measure["is_loss"])
    worst = judged[:_MOST_SLICES]
    return [
        Section(
            "Slices",
            (f"The {len(worst)} worst of {len(judged)} that have rows enough, the worst first.",),
            header=("Slice", "Rows", measure["name"]),
            rows=tuple(
                (
                    f"{each['column']} {each['value']}",
                    formats.count(each["rows"]),
                    within(each["quality"]),
                )
                for each in worst
            ),
        )
    ]


def _limits(known: Evidence, said: Words | None) -> Section:
    own = said.limits if said is not None else ()
    return Section("Limits", items=(*own, *limits.found(known)))


def _listens(known: Evidence) -> Section:
    attribution, name = known.attribution, known.evaluation["measure"]["name"]
    top = attribution["features"][:_MOST_FEATURES]
    if attribution["method"] == "shap":
        how = (
            f"What moves the answer most ({attribution['answer']}), by the mean size of its SHAP "
            f"values over {attribution['rows']} rows."
        )
        items = [f"{each['name']}: {each['mean_absolute']:.4g}" for each in top]
    else:
        how = f"What it loses most by when a feature is shuffled, in {name}."
        items = [f"{each['name']}: {each['importance']:.4g}" for each in top]
    cause = "This is what the model uses, not what causes anything."
    return Section("What it listens to", (f"{how} {cause}",), tuple(items))


def _judged(verdict: Verdict | None) -> Section:
    if verdict is None:
        return Section("Judgement", ("No gate has judged this model yet.",))
    return Section(
        "Judgement",
        (f"The gate says {verdict.outcome.value}: {verdict.reason}.",),
        tuple(f"{part.name}, {part.outcome.value}: {part.reason}" for part in verdict.parts),
    )


def _lineage(known: Evidence, made_from: dict[str, str]) -> Section:
    fingerprint = known.source.get("fingerprint", known.source)
    return Section(
        "Lineage",
        header=("What", "Which"),
        rows=(
            *((shown.words(name), value) for name, value in made_from.items()),
            ("model.onnx (SHA-256)", known.signature.sha256),
            *((f"source: {name}", value) for name, value in _flat(fingerprint)),
        ),
    )


def _flat(value: dict[str, object], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, part in value.items():
        if isinstance(part, dict):
            found += _flat(part, f"{before}{shown.words(name)} ")
        else:
            found.append((f"{before}{shown.words(name)}", str(part)))
    return found
