"""Opening what a bento carries: a model, or a chain of models."""

from __future__ import annotations

from pathlib import Path

from pipelines.serving import golden
from pipelines.serving.chain import CHAIN_FILE, ServedChain
from pipelines.serving.golden import Golden
from pipelines.serving.served import Servable, ServedModel


def open_served(folder: Path) -> Servable:
    """Open the folder `model` of a bento.

    Raises:
        ModelError: a file is missing, damaged, or not what was signed.
    """
    if (folder / CHAIN_FILE).exists():
        return ServedChain.open(folder)
    return ServedModel.open(folder)


def open_proved(folder: Path) -> tuple[Servable, Golden]:
    """Open the folder, and hold the model to its golden rows.

    Raises:
        ModelError: as `open_served`, or a golden row gets another answer.
    """
    model = open_served(folder)
    known = golden.read(folder)
    golden.require(model, known, str(folder / golden.GOLDEN_JSON))
    return model, known
