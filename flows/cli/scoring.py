"""Verbs about rows: their answers, the reasons for them, and what turned out to be true."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.app import AsJson, ModelOrVersion, app, root_folder
from flows.views import scoring as views


@app.command()
def predict(
    model: ModelOrVersion,
    file: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="CSV or Parquet, by its ending.")],
    keep: Annotated[
        list[str] | None, typer.Option(help="A column to copy to the output; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a file of any size in bounded memory."""
    from flows.scoring import score

    views.show_scoring(score(root_folder(), model, file, out, keep or []), out, as_json=as_json)


@app.command()
def explain(
    model: ModelOrVersion,
    file: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="CSV or Parquet: every contribution.")
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="The first so many; 5, or all with --out.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Largest contributions to show.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Why a model answers the rows of a file as it does (SHAP values)."""
    from flows.explaining import explain as run
    from flows.explaining import explain_into

    if out is not None:
        views.show_scoring(
            explain_into(root_folder(), model, file, out, rows), out, as_json=as_json
        )
        return
    views.show_explanations(run(root_folder(), model, file, rows or 5, top), as_json=as_json)


@app.command()
def feedback(
    model: ModelOrVersion,
    file: Annotated[
        Path, typer.Argument(help="CSV or Parquet: request_id, label and perhaps row.")
    ],
    as_json: AsJson = False,
) -> None:
    """Tell a model what turned out to be true of requests that it answered."""
    from flows.feedback import tell

    views.show_feedback(tell(root_folder(), model, file), as_json=as_json)
