"""Bentos that were spoilt, and ports that are taken: never ready, and the log says why."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipelines.errors import EXIT_BAD_INPUT, ModelError
from pipelines.packaging import model_folder
from pipelines.packaging.server import Site, serve_command
from pipelines.packaging.store import MANIFEST, place, write_manifest
from pipelines.paths import HomePaths
from pipelines.ports import LOOPBACK, free_port, free_ports
from pipelines.serving import service
from pipelines.serving.golden import GOLDEN_JSON
from pipelines.serving.policy import SERVING_FILE, ServingPolicy
from pipelines.signature import MODEL_FILE, SIGNATURE_FILE
from tests.packaged import Packaged

START_SECONDS = 60.0
Spoil = Callable[[Path], object]


def change_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def other_digest(folder: Path) -> None:
    with (folder / MODEL_FILE).open("ab") as file:
        file.write(b"x")


def other_columns(folder: Path) -> None:
    change_json(folder / SIGNATURE_FILE, lambda told: told["schema"]["numbers"].pop())


def other_answers(folder: Path) -> None:
    def change(told: dict[str, Any]) -> None:
        told["outputs"]["probability"][3] += 0.01

    change_json(folder / GOLDEN_JSON, change)


def unknown_column(folder: Path) -> None:
    ServingPolicy(required=("speed",)).write(folder)


SPOILT: dict[str, tuple[Spoil, str]] = {
    "digest": (other_digest, "the digest is"),
    "signature": (other_columns, "its inputs are"),
    "golden rows": (other_answers, "the golden rows get another probability"),
    "policy": (unknown_column, "columns that the model does not: speed"),
    "no golden rows": (lambda folder: (folder / GOLDEN_JSON).unlink(), "no golden rows"),
    "no policy": (lambda folder: (folder / SERVING_FILE).unlink(), "does not say how to serve"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_worker_of_a_spoilt_bento_does_not_start(
    name: str, packaged: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, words = SPOILT[name]
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    folder = shutil.copytree(model_folder(packaged.tag, packaged.home), tmp_path / "model")
    spoil(folder)
    monkeypatch.setattr(service, "MODEL_FOLDER", folder)

    with pytest.raises(ModelError, match=words), TestClient(service.Evergreen.to_asgi()):
        raise AssertionError("it started")


def spoilt(name: str, packaged: Packaged, folder: Path) -> HomePaths:
    """A home whose bento is spoilt, by somebody who can write its manifest as well."""
    home = HomePaths(shutil.copytree(packaged.home.home, folder / "home"))
    SPOILT[name][0](model_folder(packaged.tag, home))
    bento = place(packaged.tag, home)
    (bento / MANIFEST).unlink()
    write_manifest(bento)
    return home


def ends_or_says(
    tag: str, home: HomePaths, folder: Path, words: str, *, port: int, grpc_port: int
) -> str:
    """The log of a server as soon as it has the words in it; it must not become ready."""
    site = Site.of(tag.partition(":")[0], home, port, grpc_port, LOOPBACK)
    argv, env = serve_command(tag, home, site)
    log = folder / "server.log"
    deadline = time.monotonic() + START_SECONDS
    with log.open("wb") as output, contextlib.ExitStack() as stack:
        process = subprocess.Popen(
            argv, env=env, cwd=folder, stdout=output, stderr=output, start_new_session=True
        )
        stack.callback(process.wait)
        stack.callback(os.killpg, process.pid, signal.SIGKILL)
        # The words come from a first worker; BentoML starts others, which must not be ready either.
        while words not in (text := log.read_text(encoding="utf-8")):
            assert time.monotonic() < deadline, text[-3000:]
            assert not is_ready(port)
            if process.poll() is not None:
                stack.pop_all()
                break
            time.sleep(0.1)
        assert not is_ready(port)
    text = log.read_text(encoding="utf-8")
    assert words in text, text[-3000:]
    return text


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=0.5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False  # nobody answers
    finally:
        connection.close()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "golden rows" else pytest.mark.slow)
        for name in SPOILT
    ],
)
def test_the_server_of_a_spoilt_bento_ends_and_says_why(
    name: str, packaged: Packaged, tmp_path: Path
) -> None:
    home = spoilt(name, packaged, tmp_path)
    site = Site.of("alpha", home, *free_ports(2), LOOPBACK)
    argv, env = serve_command(packaged.tag, home, site)
    ended = subprocess.run(
        argv, env=env, cwd=tmp_path, capture_output=True, timeout=START_SECONDS, check=False
    )

    said = ended.stderr.decode()
    assert ended.returncode == EXIT_BAD_INPUT, said
    assert SPOILT[name][1] in said
    assert "next step: " in said
    # A reason, not a traceback, is what somebody reads at night.
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("taken", "words"), [("http", "Address already in use"), ("grpc", "gRPC cannot listen")]
)
def test_a_port_that_is_taken_is_said(
    taken: str, words: str, packaged: Packaged, tmp_path: Path
) -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        # Bound and not listening: whoever asks it is turned away.
        ports = {"port": free_port(), "grpc_port": free_port()}
        ports["port" if taken == "http" else "grpc_port"] = other.getsockname()[1]
        text = ends_or_says(packaged.tag, packaged.home, tmp_path, words, **ports)

    assert "next step: " in text or taken == "http"
