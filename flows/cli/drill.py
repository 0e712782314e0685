"""The verb that breaks things on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.app import AsJson, app, root_folder


@app.command()
def drill(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; all by default.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Where to put the throwaway clone; kept afterwards.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Break releases on purpose, under load, in a throwaway clone; see what clients see."""
    from flows.drilling import run

    raise typer.Exit(run(root_folder(), names or [], keep, as_json=as_json))
