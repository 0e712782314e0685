"""The verb that shows everything at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.app import AsJson, app, root_folder


@app.command()
def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Where to put the throwaway clone; kept afterwards.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The whole loop on real flight data, in a throwaway clone."""
    from flows.demo.story import run

    raise typer.Exit(run(root_folder(), keep, as_json=as_json))
