"""The application that every file of verbs adds to, and the options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import settings
from pipelines.errors import WorkspaceError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Keeps a machine-learning model fresh in production.",
)
Model = Annotated[str, typer.Argument(help="A model of params.yaml.")]
ModelOrVersion = Annotated[str, typer.Argument(help="A model, or a version: flights@v3.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def root_folder() -> Path:
    """The project: the current folder or the nearest one above it that has a params.yaml."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / settings.PARAMS_FILE).exists() and (folder / "dvc.yaml").exists():
            return folder
    raise WorkspaceError(
        "no params.yaml and dvc.yaml here or above",
        where=str(here),
        next_step="run in a clone of the project",
    )
