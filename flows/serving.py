"""`evergreen serve`: the bento of a version, and one model server in the foreground."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from flows.status import live_version
from pipelines import packaging, settings
from pipelines.errors import PackageError
from pipelines.paths import HomePaths, home
from pipelines.settings import ChainSettings
from pipelines.state import bentos, store
from pipelines.versioning.versions import Version


def serve(root: Path, name: str, port: int, grpc_port: int, host: str) -> None:
    """Become the model server of a version or of a chain; returns only by an error.

    Args:
        root: the project.
        name: `flights`, `flights@v3`, `flights_trip`, or `flights_trip@v3.v1`.
        port, grpc_port, host: where it listens.

    Raises:
        PackageError: a bento is not on this machine, or a port is in use.
        WorkspaceError: there is no such version.
    """
    places, (chain_name, _, numbers) = home(root), name.partition("@")
    chain = settings.load(root).chain.get(chain_name)
    if chain is None:
        version, tag = promoted_bento(root, name)
        model, said = version.model, version.name
    else:
        model = chain_name
        said, tag = _chain(root, places, chain_name, numbers, chain)
    site = packaging.Site.of(model, places, port, grpc_port, host)
    argv, environment = packaging.serve_command(tag, places, site)
    for number, option in ((port, "--port"), (grpc_port, "--grpc-port")):
        _require_free(host, number, option)
    doors = f"http://{host}:{port}, gRPC {host}:{grpc_port}"
    print(f"{said} on {doors} (Ctrl-C ends it)", flush=True)
    os.execve(argv[0], argv, environment)  # noqa: S606


def promoted_bento(root: Path, name: str) -> tuple[Version, str]:
    """The version that `flights` or `flights@v3` stands for, and the tag of its bento.

    Raises:
        PackageError: its bento is not on this machine.
        SettingsError: there is no such model.
        WorkspaceError: there is no such version.
    """
    version, places = live_version(root, name), home(root)
    tag = bentos.registered(store.connect(places.database), version.model).get(version.name)
    if tag is None:
        raise PackageError(
            f"no bento of {version.name} was registered on this machine",
            where=str(places.bentoml),
            next_step=f"run `evergreen retrain {version.model}` here",
        )
    return version, tag


def _chain(
    root: Path, places: HomePaths, name: str, numbers: str, chain: ChainSettings
) -> tuple[str, str]:
    """What a chain is called, and its bento, built if it was not; of live versions by default."""
    first_number, _, then_number = numbers.partition(".")
    first, first_tag = promoted_bento(root, _version(chain.first, first_number))
    then, then_tag = promoted_bento(root, _version(chain.then, then_number))
    link = packaging.Link(name, chain.first, chain.then, chain.at_least)
    policy = packaging.policy_of(chain.serve)
    tag = packaging.build_chain(link, (first_tag, then_tag), places, policy)
    return f"{name} ({first.name} and {then.name})", tag


def _version(model: str, number: str) -> str:
    return f"{model}@{number}" if number else model


def _require_free(host: str, port: int, option: str) -> None:
    """Ask before the server does: gRPC would share a port that another one holds."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PackageError(
                f"cannot listen: {error.strerror}",
                where=f"{host}:{port}",
                next_step=f"choose another with {option}",
            ) from error
