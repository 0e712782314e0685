"""Verbs of the local stack: start it, end it, look at it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flows import views_stack
from flows.cli.app import AsJson, app, root_folder
from pipelines.errors import EXIT_REFUSED


@app.command()
def up(
    is_with_prefect: Annotated[
        bool, typer.Option("--prefect", help="With a Prefect server and a worker.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start gateway and model servers, or what of them does not run."""
    from flows.stack import up as run

    started = run(root_folder(), is_with_prefect=is_with_prefect)
    views_stack.show_up(started, as_json=as_json)
    if not started.stack.is_protected:
        print("authentication is off (identity.mode), on loopback only", file=sys.stderr)
    raise typer.Exit(EXIT_REFUSED if started.stack.reconciled.problems else 0)


@app.command()
def down(as_json: AsJson = False) -> None:
    """End every process of the stack, after what is being answered."""
    from pipelines.stack.starting import down as run

    views_stack.show_down(was_up=run(root_folder()), as_json=as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Every model, its rollout and last run; every process of the stack."""
    from flows.stack import status as run

    views_stack.show_status(run(root_folder()), as_json=as_json)
