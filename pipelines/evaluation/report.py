"""The report of a version: one HTML file, from the files that the stages left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pipelines import reporting
from pipelines.evaluation import evidence, plots
from pipelines.evaluation.learning import diagnose
from pipelines.evaluation.names import METRICS
from pipelines.files import read_json
from pipelines.paths import ModelPaths
from pipelines.schema import Schema, Task
from pipelines.signature import TRAINING_FILE
from pipelines.verdicts import Outcome, Verdict

_TONES = {
    Outcome.PASSED: "good",
    Outcome.FAILED: "bad",
    Outcome.INCONCLUSIVE: "warn",
    Outcome.ERROR: "bad",
}
_SIDES = {
    "train": "learned from",
    "tuning": "chose the hyperparameters, then learned from as well",
    "holdout": "never learned from; the model is judged on it",
    "left out": "earlier rows of a group that is also in a later part",
}
# The two plots of a task, and what each shows.
_FIGURES: dict[Task, tuple[tuple[str, str], ...]] = {
    "binary": (
        ("roc", "How many of the events are found for how many false alarms."),
        ("calibration", "On the dotted line, a probability means what it says."),
    ),
    "multiclass": (
        ("confusion", "Rows of each class, and what they were taken for; the diagonal is right."),
        ("calibration", "On the dotted line, the model is as often right as it is sure."),
    ),
    "regression": (
        ("agreement", "On the dotted line, what was predicted is what comes on average."),
        ("errors", "How far predictions are off; the outermost bars hold all beyond them."),
    ),
}
_CONSTANTS: dict[Task, str] = {
    "binary": "the share of positives among the rows it learned from",
    "multiclass": "the shares of the classes among the rows it learned from",
    "regression": "the median of the rows it learned from",
}


@dataclass(frozen=True)
class Section:
    """A heading of a model card with what stands under it, in this order."""

    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def render(
    paths: ModelPaths,
    name: str,
    gate: Verdict | None = None,
    lineage: dict[str, str] | None = None,
    card: Sequence[Section] = (),
) -> str:
    """The page as text.

    Args:
        paths: of the model; all stages must have run.
        name: the title: the model, or the version.
        gate: the gate's verdict, or None before there is one.
        lineage: what the version was made from, by name.
        card: the model card; none before there is a version.
    """
    split = read_json(paths.splits / "split.json")
    evaluation = read_json(paths.reports / "evaluation.json")
    task: Task = evaluation["task"]
    attribution = read_json(paths.reports / "attribution.json")
    figures = _FIGURES[task]
    training = read_json(paths.artifact / TRAINING_FILE)
    study = read_json(paths.study / "best.json")
    searched = ("history", "knobs") if study["trials"] else ()
    return reporting.render(
        "evaluation/report.html.j2",
        name=name,
        evaluation=evaluation,
        training=training,
        learned=diagnose(training["curve"]) if training["curve"] else None,
        curve=Markup(plots.learning(training["curve"])) if training["curve"] else None,  # noqa: S704
        study=study,
        sides=[_side(name, side) for name, side in split.items()],
        unit=_unit(Schema.read(paths.splits)),
        validation=read_json(paths.validation_summary),
        validation_page=(paths.validation / "index.html").relative_to(paths.root).as_posix(),
        source=evidence.show(read_json(paths.source)),
        metrics=METRICS[task],
        figures=figures,
        constant=_CONSTANTS[task],
        gate=gate,
        tones=_TONES,
        lineage=lineage or {},
        card=card,
        attribution=attribution,
        show=evidence.show,
        pictures={
            name: Markup((folder / f"{name}.svg").read_text(encoding="utf-8"))  # noqa: S704
            for folder, names in (
                (paths.plots, (*(name for name, _ in figures), "slices", "importance")),
                (paths.plots, _of_attribution(attribution)),
                (paths.study, searched),
            )
            for name in names
        },
    )


def _of_attribution(attribution: dict[str, Any]) -> list[str]:
    """The names of its plots; see `pipelines.explanation.plots`."""
    if attribution["method"] != "shap":
        return []
    examples = range(1, len(attribution["examples"]) + 1)
    return ["attribution", *(f"example_{number}" for number in examples)]


def _unit(schema: Schema) -> str:
    """What is drawn as a whole when an interval is made."""
    if schema.group is not None:
        return f"values of {schema.group}"
    return "rows" if schema.time is None else "days"


def _side(name: str, side: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "purpose": _SIDES[name], "first": None, "last": None, **side}
