"""The image, without Docker: what the Dockerfile says, and that what it would start does start."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from pipelines import golden
from pipelines.deploying import Deployable, build_command, manifests
from pipelines.deploying.image import DOCKERFILE
from pipelines.packaging import bento_path, model_folder
from pipelines.packaging.client import Client
from pipelines.packaging.content import ENVIRONMENT
from pipelines.packaging.server import Server
from pipelines.ports import LOOPBACK, free_ports
from pipelines.signature import Signature, digest
from tests.architecture.source import ROOT
from tests.deployments.dockerfile import read
from tests.packaged import Packaged

ARGUMENTS, STAGES = read(ROOT / DOCKERFILE)
BUILD, FINAL = STAGES
GRPC = "0.0.0.0:3001"
# Where every pod mounts a volume of its own.
TEMPORARY = "/tmp"
BUILD_TOOLS = re.compile(r"gcc|g\+\+|build-essential|make\b|git\b|curl|apt-get|\buv\b|pip install")


def test_the_base_is_pinned_by_a_tag() -> None:
    for stage in STAGES:
        assert re.fullmatch(r"python:3\.11-slim-\w+", stage.base)


def test_the_final_image_has_nothing_to_build_with() -> None:
    assert len(STAGES) == 2
    for run in FINAL.all("RUN"):
        assert not BUILD_TOOLS.search(run.rest)
    assert "pip uninstall --yes" in FINAL.last("RUN").rest
    assert any("--without-pip" in run.rest for run in BUILD.all("RUN"))


def test_nothing_is_installed_without_its_hash_nor_cached() -> None:
    installs = [run.rest for run in BUILD.all("RUN") if " install " in run.rest]

    assert len(installs) == 2
    for install in installs:
        assert "--require-hashes" in install
        assert re.search(r"--no-cache(-dir)?\b", install)
    [checked] = [run.rest for run in BUILD.all("RUN") if "sha256sum --check" in run.rest]
    assert "LOCK_SHA256" in checked


def test_the_server_is_nobody_in_particular() -> None:
    user = f"{manifests.USER}:{manifests.USER}"

    assert FINAL.last("USER").rest == user
    assert FINAL.instructions.index(FINAL.last("USER")) > FINAL.instructions.index(
        FINAL.last("RUN")
    )
    # What it runs belongs to root.
    assert all("chown" not in copy.flags for copy in FINAL.all("COPY"))


def test_signals_reach_the_server() -> None:
    assert FINAL.last("ENTRYPOINT").is_exec_form
    assert FINAL.last("STOPSIGNAL").rest == "SIGTERM"
    assert FINAL.all("CMD") == []


def test_ports_environment_and_labels() -> None:
    assert FINAL.last("EXPOSE").rest.split() == ["3000", "3001"]
    environment = FINAL.pairs("ENV")
    assert ENVIRONMENT.items() <= environment.items()
    assert environment["DO_NOT_TRACK"] == "1"
    for name in ("EVERGREEN_FEEDBACK", "EVERGREEN_PREDICTIONS", "HOME"):
        assert Path(environment[name]).is_relative_to(manifests.STATE_FOLDER)
    # The state may be on a claim that several pods share; the counts of a server may not.
    assert Path(environment["BENTOML_HOME"]).is_relative_to(TEMPORARY)
    labels = FINAL.pairs("LABEL")
    for name in ("title", "version", "revision"):
        assert labels[f"org.opencontainers.image.{name}"] == f"${{{name.upper()}}}"


def test_every_argument_of_the_build_is_used_and_given(packaged: Packaged) -> None:
    bento = bento_path(packaged.tag, packaged.home)
    version = Deployable.read(bento, model_folder(packaged.tag, packaged.home))
    command = build_command(version, "flights:v3", bento, ROOT)
    given = {word.partition("=")[0] for word in command if re.match(r"[A-Z0-9_]+=", word)}
    declared = set(ARGUMENTS) | {each.rest for stage in STAGES for each in stage.all("ARG")}

    assert given == declared
    text = (ROOT / DOCKERFILE).read_text(encoding="utf-8")
    for name in declared:
        assert f"${{{name}}}" in text


def test_everything_that_is_copied_is_there(packaged: Packaged) -> None:
    contexts = {None: bento_path(packaged.tag, packaged.home), "project": ROOT}
    for stage in STAGES:
        for copy in stage.all("COPY"):
            origin = copy.flags.get("from")
            if origin in {each.name for each in STAGES}:
                continue
            *sources, _ = copy.argv
            for source in sources:
                assert (contexts[origin] / source).exists(), source


@pytest.mark.parametrize("text", ["USER root\n", "FROM a\n  copy x y\n", "FROM a\n&& true\n"])
def test_the_reader_refuses_what_docker_would(tmp_path: Path, text: str) -> None:
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"instruction|before the first FROM"):
        read(tmp_path / "Dockerfile")


# Refuses, and writes down, whatever a read-only root file system would refuse.
READ_ONLY = """
import os, sys

allowed = tuple(os.environ["WRITABLE"].split(os.pathsep))
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
changing = {f"os.{name}" for name in "mkdir rename remove rmdir link symlink truncate".split()}


def look(event, arguments):
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, int) or not (flags or 0) & writing:
            return
    elif event in changing:
        path = arguments[0]
        if isinstance(path, int):
            return
    else:
        return
    whole = os.path.abspath(os.fsdecode(path))
    if not whole.startswith(allowed) and whole != os.devnull:
        sys.stderr.write(f"READ-ONLY {event} {whole}\\n")
        raise OSError(30, "Read-only file system", whole)


sys.addaudithook(look)
"""


def assembled(packaged: Packaged, folder: Path) -> Path:
    """The bento as the COPY instructions of the final stage put it together."""
    context = bento_path(packaged.tag, packaged.home)
    for copy in FINAL.all("COPY"):
        *sources, target = copy.argv
        if "from" in copy.flags:
            continue
        place = folder / target.strip("/")
        for source in sources:
            if (context / source).is_dir():
                shutil.copytree(context / source, place)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(context / source, place)
    return folder


@contextmanager
def started(root: Path, python: str) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """The ENTRYPOINT with its ENV, below `root` instead of /; on a free port of the loopback."""
    (port, grpc), log = free_ports(2), root / "server.log"
    (root / "audit").mkdir()
    (root / "audit" / "sitecustomize.py").write_text(READ_ONLY, encoding="utf-8")
    state, temporary = (Path(below(root, each)) for each in (manifests.STATE_FOLDER, TEMPORARY))
    for folder in (state, temporary):
        folder.mkdir(parents=True)
    environment = {
        name: below(root, value).replace(GRPC, f"{LOOPBACK}:{grpc}")
        for name, value in FINAL.pairs("ENV").items()
    }
    process = subprocess.Popen(
        [inside(word, root, python, port) for word in FINAL.last("ENTRYPOINT").argv],
        cwd=state,
        env={
            **environment,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(root / "audit"),
            # Semaphores and the like are /dev/shm's.
            "TMPDIR": str(temporary),
            "WRITABLE": os.pathsep.join([str(state), str(temporary), "/dev/shm"]),
        },
        stdin=subprocess.DEVNULL,
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process, port, log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def below(root: Path, value: str) -> str:
    """A path that the image may write to, for a server that runs below `root`; else the value."""
    is_ours = value.startswith((manifests.STATE_FOLDER, TEMPORARY))
    return str(root / value.strip("/")) if is_ours else value


def inside(word: str, root: Path, python: str, port: int) -> str:
    """A word of a command of the image, for a server that runs below `root`."""
    word = word.replace("/opt/evergreen/venv/bin/python", python)
    word = re.sub(r"(?<!\w)/opt/evergreen/bento", str(root / "opt/evergreen/bento"), word)
    return word.replace("0.0.0.0", LOOPBACK).replace("3000", str(port))


def becomes_healthy(root: Path, python: str, port: int, seconds: float) -> bool:
    """Whether HEALTHCHECK says so in time."""
    check = [inside(word, root, python, port) for word in health_command()]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if subprocess.run(check, capture_output=True, check=False).returncode == 0:
            return True
    return False


def health_command() -> list[str]:
    rest = FINAL.last("HEALTHCHECK").rest
    found = re.search(r"CMD (\[.*\])$", rest)
    assert found, "in exec form: the image need not have a shell"
    return list(json.loads(found[1]))


def test_what_the_image_starts_answers_and_ends_in_order(
    packaged: Packaged, tmp_path: Path
) -> None:
    """With a file system that can be written to in the two mounted folders only."""
    root = assembled(packaged, tmp_path / "root")
    with started(root, sys.executable) as (process, port, log):
        assert becomes_healthy(root, sys.executable, port, 60), log.read_text()
        expect_golden_answers(packaged, port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    text = log.read_text(encoding="utf-8")
    assert "READ-ONLY" not in text, text[-3000:]
    assert list((root / "tmp/bentoml").glob("prometheus*/*.db"))
    assert not becomes_healthy(root, sys.executable, port, 0.1)


def expect_golden_answers(packaged: Packaged, port: int) -> None:
    schema = Signature.read(packaged.artifact).schema
    known = golden.read(packaged.artifact, schema)
    with closing(Client(Server(LOOPBACK, port, 0, 0.0))) as client:
        seen = client.scores(golden.rows(known, schema))
    np.testing.assert_allclose(seen, golden.answers(known, schema), atol=1e-4)


def test_the_audit_would_notice(packaged: Packaged, tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'x')!r}, 'w')"
    (tmp_path / "sitecustomize.py").write_text(READ_ONLY, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path), "WRITABLE": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Read-only file system" in done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_what_the_build_installs_is_enough_to_serve(packaged: Packaged, tmp_path: Path) -> None:
    """The RUN instructions of the first stage, by the uv that is installed here."""
    root = assembled(packaged, tmp_path / "root")
    bento, venv = bento_path(packaged.tag, packaged.home), tmp_path / "venv"
    [install] = [run.rest for run in BUILD.all("RUN") if "uv pip install" in run.rest]
    places = {
        "/opt/evergreen/venv": str(venv),
        "requirements.lock": str(ROOT / "requirements.lock"),
        "requirements.txt": str(bento / "env" / "python" / "requirements.txt"),
        # Compiled and cached files are for images; here they would only take minutes.
        "--no-cache --compile-bytecode": "",
    }
    for name, place in places.items():
        install = install.replace(name, place)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(["sh", "-ec", install], env={**os.environ, "PATH": path}, check=True)

    python = str(venv / "bin" / "python")
    lacking = (
        "import importlib.util as u; print(*(u.find_spec(n) is None for n in ('pip', 'pandas')))"
    )
    told = subprocess.run([python, "-c", lacking], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "True"]
    with started(root, python) as (process, port, log):
        assert becomes_healthy(root, python, port, 90), log.read_text()
        expect_golden_answers(packaged, port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_a_lock_of_another_commit_stops_the_build(tmp_path: Path) -> None:
    [check] = [run.rest for run in BUILD.all("RUN") if "sha256sum" in run.rest]
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==1\n", encoding="utf-8")
    for value, code in ((digest(lock), 0), ("0" * 64, 1)):
        done = subprocess.run(
            ["sh", "-c", check], cwd=tmp_path, env={**os.environ, "LOCK_SHA256": value}, check=False
        )
        assert done.returncode == code
