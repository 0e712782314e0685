"""Verbs about one server: run it, describe it for Kubernetes, put it under load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.app import AsJson, ModelOrVersion, app, root_folder
from flows.views import serving as views
from flows.views.printing import show_path
from pipelines.errors import SettingsError


@app.command()
def serve(
    model: ModelOrVersion,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
    grpc_port: Annotated[int, typer.Option(min=1, max=65535)] = 3001,
    host: Annotated[str, typer.Option(help="Loopback unless you know better.")] = "127.0.0.1",
) -> None:
    """Serve one version over REST and gRPC, without a gateway, until Ctrl-C."""
    from flows.serving import serve as run

    run(root_folder(), model, port, grpc_port, host)


@app.command()
def manifest(  # noqa: PLR0913  a verb has as many arguments as it has options
    model: ModelOrVersion,
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

    chosen = _version(model, version)
    if is_to_build:
        views.show_command(deploying.how_to_build(root_folder(), chosen, image), as_json=as_json)
        return
    placement = deploying.placed(root_folder(), image, name, log_claim, is_serverless=is_serverless)
    text = deploying.manifest(root_folder(), chosen, placement)
    if out is not None:
        show_path(deploying.write(text, out), as_json=as_json)
    else:
        views.show_manifests(text, as_json=as_json)


@app.command()
def stress(  # noqa: PLR0913  a verb has as many arguments as it has options
    model: ModelOrVersion,
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
    door: Annotated[str, typer.Option(help="predict, v2 (REST) or grpc.")] = "predict",
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

    root = root_folder()
    folder = stressing.report_folder(root, model, out)
    load = stressing.Load(rate, seconds, users, door, url, allow_load_on)
    outcomes = stressing.stress(root, model, load, Limits(p99_ms, errors_percent))
    views.show_stress(outcomes, write_report(outcomes, folder), as_json=as_json)
    raise typer.Exit(stressing.exit_code(outcomes.verdict))


def _version(model: str, version: str | None) -> str:
    """`flights` with `--version v3` is `flights@v3`."""
    if version is None:
        return model
    if "@" in model:
        raise SettingsError(
            f"{model} names a version already", where="--version", next_step="name it once"
        )
    return f"{model}@{version}"
