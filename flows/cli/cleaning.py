"""`evergreen cleanup`: room on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.app import AsJson, app, root_folder
from flows.views import cleaning as views


@app.command()
def cleanup(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models of params.yaml; all by default.")
    ] = None,
    *,
    is_done: Annotated[
        bool, typer.Option("--remove/--dry-run", help="Remove, or only say what would be.")
    ] = False,
    keep_versions: Annotated[
        int, typer.Option("--keep", min=1, help="Versions that were live and stay here.")
    ] = 3,
    report_days: Annotated[
        float, typer.Option(min=0, help="Days that reports of refused runs, and alarms, stay.")
    ] = 90,
    as_json: AsJson = False,
) -> None:
    """Remove what nothing needs: old bentos, work trees, reports, answers past their time."""
    from flows.cleaning import Asked, clean

    asked = Asked(keep_versions, report_days)
    found = clean(root_folder(), models or [], asked, is_done=is_done)
    views.show_cleaned(found, as_json=as_json)
