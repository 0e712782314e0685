"""Verbs that only read: what is live, what was, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.app import AsJson, Model, app, root_folder
from flows.views import looking as views
from flows.views.printing import show_path
from pipelines import settings
from pipelines.paths import home


@app.command()
def history(model: Model, as_json: AsJson = False) -> None:
    """Which version was live when, who or what decided, and why."""
    from pipelines.releasing.history import timeline
    from pipelines.state import store

    root = root_folder()
    settings.load(root).model(model)
    entries = timeline(store.connect(home(root).database), model)
    views.show_history(model, entries, as_json=as_json)


@app.command()
def report(
    model: Model,
    version: Annotated[str | None, typer.Argument(help="v3; the live one by default.")] = None,
    is_card: Annotated[
        bool, typer.Option("--card", help="The model card, in Markdown, instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the path of the HTML report of a version, or of its model card."""
    from flows.status import report_of

    kind = ".md" if is_card else ".html"
    show_path(report_of(root_folder(), model, version, kind), as_json=as_json)
