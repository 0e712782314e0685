"""How a version wants to be served: serving.json, written when the bento is built."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from pipelines.errors import ModelError
from pipelines.predictions.policy import LogPolicy

SERVING_FILE = "serving.json"


class ServingPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `serve` of params.yaml."""

    workers: int = 1
    max_rows: int = 4096
    max_body_megabytes: float = 4.0
    max_concurrency: int = 256
    timeout_seconds: float = 10.0
    required: tuple[str, ...] = ()
    unseen_categories: Literal["allow", "refuse"] = "allow"
    log: LogPolicy = LogPolicy()

    @property
    def max_body_bytes(self) -> int:
        return round(self.max_body_megabytes * 1e6)

    def write(self, folder: Path) -> None:
        content = msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"
        (folder / SERVING_FILE).write_bytes(content)


def read(folder: Path) -> ServingPolicy:
    """Read serving.json in `folder`.

    Raises:
        ModelError: it is missing, or not what `ServingPolicy.write` writes.
    """
    path = folder / SERVING_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=ServingPolicy)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(
            f"does not say how to serve: {error}",
            where=str(path),
            next_step="build the bento again",
        ) from error
