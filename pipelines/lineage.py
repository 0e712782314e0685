"""What a version was made from, as hashes: code, data, parameters, environment."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from pipelines import settings
from pipelines.errors import WorkspaceError
from pipelines.signature import digest

REQUIREMENTS_LOCK = "requirements.lock"
# Safe both, and the one in C takes a tenth of the time for the lock of a wide table.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def hashes(workspace: Path, model: str) -> dict[str, str]:
    """`data_hash`, `params_hash` and `lock_hash` of a workspace whose stages have run.

    The data hash is DVC's for the clean rows; the others are SHA-256.

    Raises:
        WorkspaceError: there is no dvc.lock, or it has no clean rows for the model.
    """
    params = settings.read_params(workspace)["models"][model]
    lock = workspace / "dvc.lock"
    return {
        "data_hash": data_hash(lock.read_text(encoding="utf-8") if lock.exists() else "", model),
        "params_hash": hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest(),
        "lock_hash": digest(workspace / REQUIREMENTS_LOCK),
    }


def data_hash(lock: str, model: str) -> str:
    """DVC's hash of the clean rows of a model, from the text of a dvc.lock.

    Raises:
        WorkspaceError: the lock has no such entry.
    """
    stages: dict[str, Any] = (yaml.load(lock, Loader=_LOADER) or {}).get("stages", {})  # noqa: S506
    for out in stages.get(f"validate@{model}", {}).get("outs", []):
        if out["path"] == f"data/{model}/clean":
            return str(out["md5"])
    raise WorkspaceError(
        f"no clean rows of {model} in the lock",
        where="dvc.lock",
        next_step=f"run `dvc repro validate@{model}`",
    )
