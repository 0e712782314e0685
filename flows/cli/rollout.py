"""Verbs that bring a version to users, and back: `rollout`, `approve`, `rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.app import AsJson, Model, app, root_folder
from flows.views import rollout as views
from pipelines.errors import EvergreenError, RolloutError
from pipelines.paths import home


@app.command()
def rollout(
    model: Model,
    version: Annotated[
        str | None, typer.Argument(help="v3; by default the newest that waits for it.")
    ] = None,
    *,
    is_detached: Annotated[
        bool, typer.Option("--detach", help="Only begin; the deployment drives it.")
    ] = False,
    is_one_tick: Annotated[
        bool, typer.Option("--tick", help="One look at the open rollout, without Prefect.")
    ] = False,
    every_seconds: Annotated[float, typer.Option("--every", min=0.1, help="Seconds a look.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Bring a registered version to users in steps, judged at each."""
    from flows.releasing import Desk

    desk = Desk.at(root_folder(), model)
    if is_one_tick:
        ticked = desk.tick()
        views.show_state(ticked.state, ticked.verdict, ticked.unseen, as_json=as_json)
        raise typer.Exit(views.exit_code(ticked.state))
    # Before a server is started for it: what cannot begin is refused at once.
    state = desk.open_one(version)
    if is_detached:
        views.show_state(state, as_json=as_json)
        return
    from flows.prefect_home import configure, quiet_known_errors, require_server

    configure(home(root_folder()))
    require_server()
    quiet_known_errors()
    from flows.rollout import rollout as flow

    flow(model, version, root_folder(), every_seconds)
    ended = desk.newest()
    views.show_state(ended, as_json=as_json)
    raise typer.Exit(views.exit_code(ended))


@app.command()
def approve(
    model: Model,
    percent: Annotated[int, typer.Argument(min=1, max=100, help="The step that waits.")],
    as_json: AsJson = False,
) -> None:
    """Let the step begin that a rollout waits with."""
    from flows.releasing import Desk

    views.show_state(Desk.at(root_folder(), model).approve(percent), as_json=as_json)


@app.command()
def rollback(
    model: Model,
    to: Annotated[
        str | None, typer.Option("--to", help="A version, as v3; what was live before.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; written into the ledger.")] = (
        "asked for by a person"
    ),
    as_json: AsJson = False,
) -> None:
    """End the open rollout, or return to what was live before."""
    from flows.releasing import Desk

    desk = Desk.at(root_folder(), model)
    done = desk.roll_back(to, reason)
    views.show_rollback(done, as_json=as_json)
    try:
        desk.settle()
    except EvergreenError as error:
        # The requests are where they belong; only servers that nobody asks may still run.
        raise RolloutError(
            f"{done.live} has all requests; the servers could not be brought in line: "
            f"{error.problem}",
            where=error.where,
            next_step=error.next_step,
        ) from error
