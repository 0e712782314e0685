"""Scoring a file as a flow, for whoever starts it from Prefect."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger

from flows.scoring import score


@flow(name="scoring", flow_run_name="scoring-{model}", persist_result=False)
def scoring(
    model: str, file: Path, out: Path, keep: list[str] | None = None, root: Path | None = None
) -> int:
    """Score a file of any size in bounded memory.

    Args:
        model: a model, for its live version, or a version: flights@v3.
        file: CSV or Parquet; a relative path begins at the project.
        out: CSV or Parquet, by its ending.
        keep: columns to copy to the output.
        root: the project; the current folder by default.

    Returns:
        How many rows were scored.

    Raises:
        EvergreenError: there is no such version, or the file cannot be scored.
    """
    root = (root or Path.cwd()).resolve()
    done = score(root, model, root / file, root / out, keep or [])
    get_run_logger().info("%s: %d rows", root / out, done.rows)
    return done.rows
