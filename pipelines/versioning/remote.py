"""Sending outputs to the DVC remote, without waiting for one that does not answer."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from pipelines.errors import RemoteError
from pipelines.files import read_json, write_json
from pipelines.signature import digest
from pipelines.versioning.graph import opened

ANSWER_SECONDS = 10.0


def push(workspace: Path, stages: list[str], sent: Path | None = None) -> int:
    """Send the outputs of stages to the default remote; returns how many files went.

    Args:
        workspace: the folder of dvc.yaml.
        stages: their addresses.
        sent: a file that remembers what was last sent and where; nothing is sent, and nobody
            asked, if that was the same. None: always ask the remote.

    Raises:
        RemoteError: there is no remote, or it does not answer.
    """
    try:
        with opened(workspace) as repo:
            told = _what_and_where(repo, workspace)
            if sent is not None and sent.exists() and read_json(sent) == told:
                return 0
            _require_answer(repo)
            count = int(repo.push(targets=stages, run_cache=True))
        if sent is not None:
            write_json(told, sent)
        return count
    except RemoteError:
        raise
    # Every kind of remote is a plug-in with errors of its own; whatever it says is about it.
    except Exception as error:
        raise _fault("the default remote in .dvc/config", error) from error


def _what_and_where(repo: Any, workspace: Path) -> dict[str, str]:
    name = repo.config["core"].get("remote", "")
    address = json.dumps(dict(repo.config["remote"].get(name, {})), sort_keys=True, default=str)
    return {
        "lock": digest(workspace / "dvc.lock"),
        # A digest, because an address may hold credentials.
        "remote": hashlib.sha256(f"{name} {address}".encode()).hexdigest(),
    }


def _require_answer(repo: Any) -> None:
    """Ask an S3 endpoint for anything at all.

    DVC would try each object again and again, for minutes, before it says that nobody is there.
    """
    name = repo.config["core"].get("remote")
    endpoint = repo.config["remote"].get(name, {}).get("endpointurl")
    if not endpoint:
        return
    try:
        with urllib.request.urlopen(endpoint, timeout=ANSWER_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError:
        return  # it answers; whether it lets us in is for the push to find out
    except (OSError, ValueError) as error:
        raise _fault(str(endpoint), error) from error


def _fault(where: str, error: Exception) -> RemoteError:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return RemoteError(
        f"push failed: {type(cause).__name__}: {cause}",
        where=where,
        next_step="check the remote with `dvc push`, then run the same command again: "
        "finished stages are kept",
    )
