"""`evergreen replay`: real months as traffic."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.app import AsJson, Model, app, root_folder


@app.command()
def replay(  # noqa: PLR0913  a verb has as many arguments as it has options
    model: Model,
    *,
    first: Annotated[str, typer.Option("--from", help="The first month, as 2013-04.")],
    last: Annotated[str, typer.Option("--to", help="The last month, as 2013-12.")],
    speed: Annotated[float, typer.Option(min=1, help="Seconds of the data in one.")] = 20_000,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second at most.")] = 50,
    rows: Annotated[int, typer.Option(min=1, max=4096, help="Of a request.")] = 50,
    label_hours: Annotated[float, typer.Option(min=0, help="Until the truth is known.")] = 24,
    url: Annotated[str | None, typer.Option(help="Of the model; this stack's by default.")] = None,
    client: Annotated[str | None, typer.Option(help="Whose tokens to use.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Begin from the first month.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send real months as traffic, with their labels following; killed, it goes on."""
    from flows.replaying import Asking
    from flows.replaying import replay as run
    from flows.views.replaying import show_standing
    from pipelines.replaying.standing import Standing

    wanted, asking = Standing(first, last, label_hours, rows), Asking(speed, rate, url, client)
    found = run(root_folder(), model, wanted, asking, again=again)
    show_standing(model, found, as_json=as_json)
