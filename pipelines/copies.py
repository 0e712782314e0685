"""Whether a retrain made the champion's own file again, as one with nothing changed does.

Found out before `judging` is loaded: what scores and judges takes a second to import.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ModelError
from pipelines.gates.copy import judge_copy
from pipelines.signature import Signature
from pipelines.verdicts import Verdict


def judge_if_copy(challenger: Path, champion: tuple[str, Path] | None) -> Verdict | None:
    """The verdict on a copy; None for any other model, which has to be judged.

    Args:
        challenger: its model folder.
        champion: name and model folder of the live version, if there is one.

    Raises:
        ModelError: the challenger's own folder cannot be trusted.
    """
    ours = Signature.read(challenger).sha256
    if champion is None or _digest(champion[1]) != ours:
        return None
    return judge_copy(ours, champion[0])


def _digest(folder: Path) -> str | None:
    """The digest of a model; None for a folder that is damaged, which comes out later."""
    try:
        return Signature.read(folder).sha256
    except ModelError:
        return None
