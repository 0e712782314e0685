"""Verbs of the local stack: start it, end it, look at it."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from flows.cli.app import AsJson, Model, app, root_folder
from flows.views import stack as views
from pipelines import settings
from pipelines.errors import EXIT_REFUSED

_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>ms|s)")
_MOST_MILLISECONDS = 60_000


@app.command()
def up(
    is_with_prefect: Annotated[
        bool, typer.Option("--prefect", help="With a Prefect server and a worker.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start gateway and model servers, or what of them does not run."""
    from flows.identity import say_if_off
    from flows.stack import up as run

    root = root_folder()
    say_if_off(settings.load(root))
    started = run(root, is_with_prefect=is_with_prefect)
    views.show_up(started, as_json=as_json)
    has_problems = started.stack is not None and started.stack.reconciled.problems
    raise typer.Exit(EXIT_REFUSED if has_problems else 0)


@app.command()
def down(as_json: AsJson = False) -> None:
    """End every process of the stack, after what is being answered."""
    from pipelines.stack.starting import down as run

    views.show_down(was_up=run(root_folder()), as_json=as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Every model, its rollout and last run; every process of the stack."""
    from flows.stack import status as run

    views.show_status(run(root_folder()), as_json=as_json)


def milliseconds(text: str) -> int:
    """`200ms` or `1.5s`; a minute at most."""
    found = _DURATION.fullmatch(text)
    number = float(found["number"]) * (1 if found["unit"] == "ms" else 1000) if found else 0.0
    if not 1 <= number <= _MOST_MILLISECONDS:
        raise typer.BadParameter(f"{text!r} is no time from 1ms to 60s; write 200ms or 1.5s")
    return round(number)


@app.command()
def inject(  # noqa: PLR0913  a verb has as many arguments as it has options
    model: Model,
    *,
    delay_ms: Annotated[
        int | None,
        typer.Option(
            "--delay", parser=milliseconds, metavar="200ms", help="Requests wait so long."
        ),
    ] = None,
    abort: Annotated[
        int | None, typer.Option(min=400, max=599, help="Requests fail with this status.")
    ] = None,
    percent: Annotated[int, typer.Option(min=1, max=100, help="Of the requests.")] = 10,
    minutes: Annotated[float, typer.Option(min=0.05, max=60, help="Then it goes.")] = 10.0,
    version: Annotated[str | None, typer.Option(help="v3; every version by default.")] = None,
    client: Annotated[
        str | None, typer.Option(help="Who plants it; needs the scope admin.")
    ] = None,
    is_clearing: Annotated[
        bool, typer.Option("--clear", help="Take all faults of the model away.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Plant a fault at the gateway, for a drill; it is written down whose it is."""
    from flows import injecting

    if is_clearing:
        injecting.clear(root_folder(), model, client)
        views.show_fault(model, None, as_json=as_json)
        return
    asked = injecting.Asked(percent, minutes, version, delay_ms, abort)
    fault = injecting.inject(root_folder(), model, asked, client)
    views.show_fault(model, fault, as_json=as_json)
