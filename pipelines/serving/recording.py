"""Where answers are recorded, as serving.json says."""

from __future__ import annotations

from pathlib import Path

from pipelines.inference.encode import Tensors
from pipelines.serving.context import Asked
from pipelines.serving.served import Outputs


class NoRecord:
    """For `serve.log.mode: off`."""

    async def keep(self, asked: Asked, tensors: Tensors, outputs: Outputs) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""


def recorder(folder: Path) -> NoRecord:  # noqa: ARG001
    return NoRecord()
