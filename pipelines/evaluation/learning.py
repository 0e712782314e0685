"""A training curve in plain words: did it learn enough, or too much?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Curve = Sequence[dict[str, float]]
_FEWEST_EPOCHS = 4
# A last fifth of the epochs that still gains so much of all that was gained was cut short.
_STILL_GAINS = 0.05
# A validation loss so far above its best, in shares of all that was gained, has turned.
_TURNED = 0.10
_LEARNED_LITTLE = 0.05


class Diagnosis(NamedTuple):
    """What is to be said of a curve: one word, and a sentence with the figures and what to try."""

    word: str
    sentence: str


def diagnose(curve: Curve) -> Diagnosis:
    """Look at the losses by epoch; see `Charted.curve`."""
    if len(curve) < _FEWEST_EPOCHS:
        return Diagnosis("too short", f"{len(curve)} epochs are too few to tell.")
    held = np.array([row["validation_loss"] for row in curve])
    learned = np.array([row["loss"] for row in curve])
    best = int(held.argmin())
    gained = float(held[0] - held[best])
    spread = gained if gained > 0 else max(abs(float(held[0])), 1e-12)
    if learned[0] > 0 and (learned[0] - learned.min()) / learned[0] < _LEARNED_LITTLE:
        return Diagnosis(
            "underfitting",
            f"The training loss fell from {learned[0]:.4g} to {learned.min():.4g} only: try a "
            "higher learning rate, a larger network, or more telling features.",
        )
    if (held[-1] - held[best]) / spread > _TURNED and learned[-1] <= learned[best]:
        return Diagnosis(
            "overfitting",
            f"From epoch {curve[best]['epoch']:.0f} on the loss on rows held out rose from "
            f"{held[best]:.4g} to {held[-1]:.4g} while the training loss still fell: try early "
            "stopping, more dropout or weight decay, or more rows.",
        )
    tail = max(1, len(curve) // 5)
    if gained > 0 and (held[-1 - tail] - held[-1]) / gained > _STILL_GAINS:
        return Diagnosis(
            "stopped early",
            f"The loss on rows held out was still falling, to {held[-1]:.4g}, when the epochs "
            "were over: more of them may pay.",
        )
    return Diagnosis(
        "settled",
        f"The loss on rows held out came to rest at {held[best]:.4g} in epoch "
        f"{curve[best]['epoch']:.0f} of {curve[-1]['epoch']:.0f}.",
    )
