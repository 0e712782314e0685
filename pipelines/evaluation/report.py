"""The report of a version: one HTML file, from the files that the stages left."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from pipelines import reporting
from pipelines.files import read_json
from pipelines.paths import ModelPaths
from pipelines.verdicts import Outcome, Verdict

_TONES = {
    Outcome.PASSED: "good",
    Outcome.FAILED: "bad",
    Outcome.INCONCLUSIVE: "warn",
    Outcome.ERROR: "bad",
}
_METRICS = (
    ("auc", "AUC", "a late one outranks an early one; higher is better"),
    ("log_loss", "Log loss", "nats; lower is better"),
    ("brier", "Brier score", "lower is better"),
    ("ece", "Calibration error", "lower is better"),
)


def render(
    paths: ModelPaths,
    name: str,
    gate: Verdict | None = None,
    lineage: dict[str, str] | None = None,
) -> str:
    """The page as text.

    Args:
        paths: of the model; all stages must have run.
        name: the title: the model, or the version.
        gate: the gate's verdict, or None before there is one.
        lineage: what the version was made from, by name.
    """
    return reporting.render(
        "evaluation/report.html.j2",
        name=name,
        evaluation=read_json(paths.reports / "evaluation.json"),
        training=read_json(paths.artifact / "training.json"),
        study=read_json(paths.study / "best.json"),
        split=read_json(paths.splits / "split.json"),
        source=read_json(paths.source),
        metrics=_METRICS,
        gate=gate,
        tones=_TONES,
        lineage=lineage or {},
        evidence=_evidence,
        pictures={
            name: Markup((folder / f"{name}.svg").read_text(encoding="utf-8"))  # noqa: S704
            for folder, names in (
                (paths.plots, ("roc", "calibration", "slices", "importance")),
                (paths.study, ("history", "knobs")),
            )
            for name in names
        },
    )


def _evidence(verdict: Verdict) -> list[tuple[str, Any]]:
    """Evidence as rows of a table; nested values as JSON, cut where nobody would read on."""
    rows = []
    for key, value in verdict.evidence.items():
        if isinstance(value, dict | list):
            text = json.dumps(value)
            rows.append(
                (key, text if len(text) <= 600 else text[:600] + " \N{HORIZONTAL ELLIPSIS}")
            )
        elif isinstance(value, float):
            rows.append((key, f"{value:.6g}"))
        else:
            rows.append((key, value))
    return rows
