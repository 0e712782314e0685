"""`evergreen`: thin verbs over flows and pipelines."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from flows import views
from pipelines import settings
from pipelines.errors import (
    EXIT_BAD_INPUT,
    EXIT_DONE,
    EXIT_UNKNOWN,
    EvergreenError,
    SettingsError,
    WorkspaceError,
)
from pipelines.paths import ModelPaths, home

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Keeps a machine-learning model fresh in production.",
)
Model = Annotated[str, typer.Argument(help="A model of params.yaml.")]
# What shells call a process that Ctrl-C ended.
_INTERRUPTED = 130
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


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

    root = _root()
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
def history(model: Model, as_json: AsJson = False) -> None:
    """Which version was live when, who or what decided, and why."""
    from pipelines.state import ledger, store

    root = _root()
    settings.load(root).model(model)
    entries = ledger.history(store.connect(home(root).database), model)
    views.show_history(model, entries, as_json=as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Every model: what is live, what runs, how the last run ended."""
    from flows.status import overview

    views.show_status(overview(_root()), as_json=as_json)


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
    views.show_path(report_of(_root(), model, version, kind), as_json=as_json)


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

    root = _root()
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
    raise typer.Exit(EXIT_DONE if is_same else 1)


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="A model, or a version: flights@v3.")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="CSV or Parquet, by its ending.")],
    keep: Annotated[
        list[str] | None, typer.Option(help="A column to copy to the output; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a file of any size in bounded memory."""
    from flows.scoring import score

    views.show_scoring(score(_root(), model, file, out, keep or []), out, as_json=as_json)


@app.command()
def explain(
    model: Annotated[str, typer.Argument(help="A model, or a version: flights@v3.")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="CSV or Parquet: every contribution.")
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="The first so many; 5, or all with --out.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Largest contributions to show.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Why a model answers the rows of a file as it does (SHAP values)."""
    from flows.explaining import explain as run
    from flows.explaining import explain_into

    if out is not None:
        views.show_scoring(explain_into(_root(), model, file, out, rows), out, as_json=as_json)
        return
    views.show_explanations(run(_root(), model, file, rows or 5, top), as_json=as_json)


@app.command()
def feedback(
    model: Annotated[str, typer.Argument(help="A model, or a version: flights@v3.")],
    file: Annotated[
        Path, typer.Argument(help="CSV or Parquet: request_id, label and perhaps row.")
    ],
    as_json: AsJson = False,
) -> None:
    """Tell a model what turned out to be true of requests that it answered."""
    from flows.feedback import tell

    views.show_feedback(tell(_root(), model, file), as_json=as_json)


@app.command()
def serve(
    model: Annotated[str, typer.Argument(help="A model, or a version: flights@v3.")],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
    grpc_port: Annotated[int, typer.Option(min=1, max=65535)] = 3001,
    host: Annotated[str, typer.Option(help="Loopback unless you know better.")] = "127.0.0.1",
) -> None:
    """Serve one version over REST and gRPC, without a gateway, until Ctrl-C."""
    from flows.serving import serve as run

    run(_root(), model, port, grpc_port, host)


@app.command()
def manifest(  # noqa: PLR0913  a verb has as many arguments as it has options
    model: Annotated[str, typer.Argument(help="A model, or a version: flights@v3.")],
    *,
    version: Annotated[str | None, typer.Option(help="v3; the live one by default.")] = None,
    image: Annotated[str | None, typer.Option(help="REGISTRY/NAME:TAG, or a digest.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Of all objects; the model's by default.")
    ] = None,
    log_claim: Annotated[
        str | None, typer.Option(help="A volume claim for the prediction log.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A folder.")] = None,
    is_serverless: Annotated[
        bool, typer.Option("--serverless", help="A Knative Service that scales to zero.")
    ] = False,
    is_to_build: Annotated[
        bool, typer.Option("--build-command", help="Print the `docker build` instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Kubernetes manifests of a version, on stdout or as a file."""
    from flows import deploying
    from pipelines.deploying import Placement

    chosen = _version(model, version)
    if is_to_build:
        views.show_command(deploying.how_to_build(_root(), chosen, image), as_json=as_json)
        return
    text = deploying.manifest(_root(), chosen, Placement(image, name, is_serverless, log_claim))
    if out is not None:
        views.show_path(deploying.write(text, out), as_json=as_json)
    else:
        views.show_manifests(text, as_json=as_json)


@app.command()
def stress(  # noqa: PLR0913  a verb has as many arguments as it has options
    model: Annotated[str, typer.Argument(help="A model, or a version: flights@v3.")],
    *,
    url: Annotated[
        str | None, typer.Option(help="A running server; starts one by default.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second.")] = 100.0,
    seconds: Annotated[float, typer.Option(min=1, max=86400)] = 60.0,
    users: Annotated[int, typer.Option(min=1, max=4096, help="Connections.")] = 32,
    p99_ms: Annotated[float, typer.Option(min=0.01, help="Limit of the latency.")] = 100.0,
    errors_percent: Annotated[
        float, typer.Option(min=0, max=100, help="Limit of failed requests.")
    ] = 0.1,
    door: Annotated[str, typer.Option(help="The protocol.")] = "predict",
    allow_load_on: Annotated[
        str | None, typer.Option(help="The host of --url, unless it is this machine.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A folder for the report.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a version under open-loop load, and judge how it stands it."""
    from flows import stressing
    from pipelines.stress import Limits, write_report

    root = _root()
    folder = stressing.report_folder(root, model, out)
    load = stressing.Load(rate, seconds, users, door, url, allow_load_on)
    outcomes = stressing.stress(root, model, load, Limits(p99_ms, errors_percent))
    views.show_stress(outcomes, write_report(outcomes, folder), as_json=as_json)
    raise typer.Exit(stressing.exit_code(outcomes.verdict))


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

    views.show_history(model, [run(_root(), model, version, reason)], as_json=as_json)


@app.command()
def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Where to put the throwaway clone; kept afterwards.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The whole loop on real flight data, in a throwaway clone."""
    from flows.demo import run

    raise typer.Exit(run(_root(), keep, as_json=as_json))


def main() -> None:
    """The console script: errors become one readable message and an exit code."""
    try:
        app()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            print("interrupted; what was finished is kept", file=sys.stderr)
        raise
    except EvergreenError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        print(
            f"error: {error}\n  next step: check that the file named exists, may be used, and "
            "that the disk has space; finished stages are kept",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_BAD_INPUT) from None
    except Exception:  # noqa: BLE001
        # Python would end with 1, and 1 means that a verdict said no.
        traceback.print_exc()
        print("error: a fault of Evergreen itself; please report it", file=sys.stderr)
        raise SystemExit(EXIT_UNKNOWN) from None


def _root() -> Path:
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


def _version(model: str, version: str | None) -> str:
    """`flights` with `--version v3` is `flights@v3`."""
    if version is None:
        return model
    if "@" in model:
        raise SettingsError(
            f"{model} names a version already", where="--version", next_step="name it once"
        )
    return f"{model}@{version}"


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
