"""Verbs that make a version: what it is made from, the run, and what is live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from flows.cli.app import AsJson, Model, app, root_folder
from flows.views import training as views
from flows.views.looking import show_history
from pipelines import settings
from pipelines.errors import EXIT_DONE, EXIT_REFUSED, SettingsError
from pipelines.paths import ModelPaths, home


@app.command()
def retrain(
    model: Model,
    until: Annotated[str | None, typer.Option(help="Last month of data, as 2013-05.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter, as split.holdout_days=14; may be repeated."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; written into the ledger.")] = (
        "asked for by a person"
    ),
    is_committed: Annotated[
        bool, typer.Option("--committed", help="Retrain from HEAD although the tree has changes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a challenger, hold it against the champion, and promote it if the gate passes."""
    from flows.status import preflight

    root = root_folder()
    settings.load(root).model(model)
    overrides = dict(_assignment(text) for text in assignments or [])
    if until is not None:
        overrides["ingest.until"] = until
    _require_valid(root, model, overrides)
    preflight(root, model, is_committed=is_committed)
    _configure_prefect(root)
    from flows.retraining import retrain as flow

    result = flow(model, overrides, reason, is_committed, root)
    views.show_result(result, as_json=as_json)
    raise typer.Exit(result.exit_code)


@app.command()
def source(
    model: Model,
    is_recording: Annotated[
        bool, typer.Option("--record", help="Accept what the source looks like now.")
    ] = False,
    is_with_columns: Annotated[
        bool, typer.Option("--columns", help="With --record: accept other columns, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What the data source looks like now, and whether that is what was recorded."""
    from pipelines.stages import ingest

    root = root_folder()
    chosen, paths = settings.load(root).model(model), ModelPaths(root, model)
    if is_recording:
        seen = ingest.record(paths, chosen, accepts_columns=is_with_columns)
    elif is_with_columns:
        raise SettingsError(
            "accepts nothing by itself",
            where="--columns",
            next_step=f"run `evergreen source {model} --record --columns`",
        )
    else:
        seen = ingest.look(chosen)
    known = ingest.recorded(paths)
    is_same = known is not None and known.fingerprint == seen
    views.show_source(seen, is_same=is_same, as_json=as_json)
    raise typer.Exit(EXIT_DONE if is_same else EXIT_REFUSED)


@app.command()
def adopt(
    model: Model,
    version: Annotated[str, typer.Argument(help="A registered version, as v3.")],
    reason: Annotated[str, typer.Option(help="Why; written into the ledger.")] = (
        "the ledger did not know"
    ),
    as_json: AsJson = False,
) -> None:
    """Say which version is live, when the ledger was lost."""
    from flows.adopting import adopt as run

    entry = run(root_folder(), model, version, reason)
    show_history(model, [entry.to_json()], as_json=as_json)


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingsError(
            f"{text!r} is not an assignment",
            where="--set",
            next_step="write it as section.key=value, for example split.holdout_days=14",
        )
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SettingsError(
            f"{value!r} is not a YAML value: {error}", where=f"--set {key}", next_step="quote it"
        ) from error


def _require_valid(root: Path, model: str, overrides: dict[str, Any]) -> None:
    """Refuse wrong overrides before a server is started for them."""
    from pipelines.versioning.workspace import assign

    content = settings.read_params(root)
    assign(content["models"][model], overrides)
    settings.parse(content)


def _configure_prefect(root: Path) -> None:
    from flows.prefect_home import configure, quiet_known_errors, require_server

    configure(home(root))
    require_server()
    quiet_known_errors()
