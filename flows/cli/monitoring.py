"""Verbs about a live model: look at it now, and why it did or did not train again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from flows.cli.app import AsJson, Model, app, root_folder
from flows.views import monitoring as views


@app.command()
def monitor(
    model: Model,
    at: Annotated[
        datetime | None, typer.Option(help="Look as of this time, UTC; now by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at the live version now: windows, drift, quality, and what follows."""
    from datetime import UTC

    from flows.monitoring import monitor as run

    moment = None if at is None else at.replace(tzinfo=at.tzinfo or UTC)
    found = run(root_folder(), model, moment)
    views.show_monitored(found, as_json=as_json)
    raise typer.Exit(found.exit_code)


@app.command()
def triggers(
    model: Model,
    closes_breaker: Annotated[
        bool, typer.Option("--close-breaker", help="Alarms may start retrains again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What asked for a retrain, and why it did or did not start one."""
    from flows.monitoring import listed

    found = listed(root_folder(), model, closes_breaker=closes_breaker)
    views.show_triggers(model, found, as_json=as_json)
