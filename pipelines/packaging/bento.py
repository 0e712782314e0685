"""Building a bento, offline and all or nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import PackageError
from pipelines.packaging import homes, store
from pipelines.packaging.content import ENVIRONMENT, Labels, lay_out
from pipelines.paths import HomePaths
from pipelines.serving.policy import ServingPolicy

BUILD_SECONDS = 300
_SCRATCH = "build-"


def build(
    artifact: Path,
    labels: Labels,
    version: str,
    home: HomePaths,
    policy: ServingPolicy = ServingPolicy(),  # noqa: B008 (frozen)
) -> str:
    """Package a model folder; the same content is built once.

    A registered version is never rebuilt behind anybody's back: the tag ends in a digest of all
    that went in, so other content (a retrained graph, edited service code, another library) gets
    another tag beside the old one, and nothing here overwrites a bento. Whoever registers a
    version records its full tag; `tags` lists what else was built under the same version.

    Args:
        artifact: the model folder: model.onnx and signature.json.
        labels: where the model comes from; written on the bento, with the graph's digest.
        version: as it will be registered, for example `v3`.
        home: bentos go to `home.bentoml`, in BentoML's layout.
        policy: how it will be served.

    Returns:
        The tag, for example `flights:v3-0123456789ab`.

    Raises:
        ModelError: `artifact` is not a model folder, or its digest is wrong.
        PackageError: a label or the version is unusable, BentoML fails, or a bento of this tag
            was changed after it had been built.
    """
    return build_from(lambda context: lay_out(context, artifact, labels, version, policy), home)


def build_from(lay_out: Callable[[Path], str], home: HomePaths) -> str:
    """Build what `lay_out` puts into an empty folder, under the tag that it returns.

    Raises:
        PackageError: BentoML fails, or a bento of this tag was changed after it had been built.
    """
    home.bentoml.mkdir(parents=True, exist_ok=True)
    with _alone(home.bentoml):
        _sweep(home.bentoml)
        with (
            tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=home.bentoml) as scratch,
            # BentoML refuses to read below a hidden folder, and .evergreen is one.
            tempfile.TemporaryDirectory(prefix="evergreen-") as visible,
        ):
            context = Path(visible) / "context"
            tag = lay_out(context)
            target = store.place(tag, home)
            if store.is_whole(target):
                store.check_manifest(target)
                return tag
            # What is there has no manifest, so no build came to its end.
            shutil.rmtree(target, ignore_errors=True)
            _build_into(target, tag, context, HomePaths(Path(scratch)))
    return tag


def export(tag: str, home: HomePaths, target: Path) -> Path:
    """Write a bento to one file, BentoML's `.bento`, for another machine to import.

    Raises:
        PackageError: there is no such bento, it was changed, or the file cannot be written.
    """
    store.bento_path(tag, home)
    # Absolute, because BentoML takes a relative path to begin at the root of the file system.
    target = target.resolve()
    _bentoml(["export", tag, str(target)], home.bentoml, home.bentoml)
    return target


def environment(bentoml_home: Path) -> dict[str, str]:
    """The environment for a BentoML process of ours: this home, no telemetry, no stray imports."""
    return {
        **os.environ,
        **ENVIRONMENT,
        homes.VARIABLE: str(bentoml_home),
        # The working folder must not be where `pipelines` comes from: the bento must be.
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # BentoML calls `uv` by name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def _build_into(target: Path, tag: str, context: Path, scratch: HomePaths) -> None:
    version = tag.partition(":")[2]
    _bentoml(["build", str(context), "--version", version], scratch.bentoml, context)
    built = store.place(tag, scratch)
    if not built.is_dir():
        raise PackageError(
            f"BentoML built nothing at {built}", where=tag, next_step="run it again and look"
        )
    store.write_manifest(built)
    target.parent.mkdir(parents=True, exist_ok=True)
    built.rename(target)


def _bentoml(arguments: list[str], bentoml_home: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "bentoml", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(bentoml_home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PackageError(
            f"not done after {BUILD_SECONDS} s",
            where=f"bentoml {arguments[0]}",
            next_step="look for what holds the machine up, and run the same again",
        ) from error
    if done.returncode != 0:
        tail = (done.stdout + done.stderr)[-2000:]
        raise PackageError(
            f"exit code {done.returncode}: {tail}",
            where=f"bentoml {arguments[0]}",
            next_step="mend what the last lines name, and run the same again",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process builds here; the kernel frees the lock of a killed one."""
    with (folder / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep(folder: Path) -> None:
    """Remove what killed builds left; nobody else builds now, so all of it is stale."""
    for leftover in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(leftover, ignore_errors=True)
