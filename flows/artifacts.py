"""What a run shows in the Prefect UI: metrics, verdict, report."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from pipelines.files import read_json
from pipelines.paths import ModelPaths
from pipelines.verdicts import Verdict


def publish(model: str, paths: ModelPaths, verdict: Verdict, page: str) -> None:
    """Create the three artifacts of a run, each keyed by the model."""
    key = model.replace("_", "-")
    create_table_artifact(
        key=f"{key}-metrics",
        table=_metrics(read_json(paths.reports / "evaluation.json")),
        description="On the holdout, with intervals, and the trivial baseline beside it",
    )
    create_markdown_artifact(key=f"{key}-gate", markdown=_markdown(verdict))
    create_link_artifact(key=f"{key}-report", link=page, link_text="report")


def _metrics(evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "metric": name,
            "model": round(found["value"], 4),
            "low": round(found["low"], 4),
            "high": round(found["high"], 4),
            "baseline": round(evaluation["baseline"][name]["value"], 4),
        }
        for name, found in evaluation["metrics"].items()
    ]


def _markdown(verdict: Verdict) -> str:
    rows = [f"| {part.name} | {part.outcome.value} | {part.reason} |" for part in verdict.parts]
    return "\n".join(
        [
            f"**{verdict.outcome.value}**: {verdict.reason}",
            "",
            "| test | outcome | why |",
            "| --- | --- | --- |",
            *rows,
        ]
    )
