"""Verbs that tell people and Prometheus what the state store says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.app import AsJson, app, root_folder
from flows.views import alerts as views
from pipelines.errors import EXIT_REFUSED

alerts = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Messages to people: try, send, list."
)
app.add_typer(alerts, name="alerts")


@alerts.command()
def test(as_json: AsJson = False) -> None:
    """Send a test message to every address, and say which of them took it."""
    from flows.alerting import try_out

    deliveries = try_out(root_folder())
    views.show_deliveries(deliveries, as_json=as_json)
    raise typer.Exit(EXIT_REFUSED if any(each.problem for each in deliveries) else 0)


@alerts.command()
def send(as_json: AsJson = False) -> None:
    """Look once, and tell what was not told yet; run it every minute."""
    from flows.alerting import send as look

    looked = look(root_folder())
    views.show_looked(looked, as_json=as_json)
    raise typer.Exit(EXIT_REFUSED if looked.is_lost else 0)


@alerts.command("list")
def list_(as_json: AsJson = False) -> None:
    """What people were told, or should have been, the newest first."""
    from flows.alerting import listed

    views.show_alerts(listed(root_folder()), as_json=as_json)


@app.command()
def metrics(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A file ending in .prom, for the node exporter."),
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option("--targets", help="Also write where model servers listen, as JSON."),
    ] = None,
) -> None:
    """The state store as Prometheus text: rollouts, windows, triggers, messages."""
    from flows.alerting import exposition, write_targets
    from pipelines.files import write_text

    text = exposition(root_folder())
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(text, output)
    if targets is not None:
        write_targets(root_folder(), targets)
