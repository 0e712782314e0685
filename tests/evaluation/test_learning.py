"""Curves of each kind, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.evaluation.learning import diagnose

EPOCHS = np.arange(1.0, 31.0)
FALLING = np.exp(-EPOCHS / 4) + 0.1


def curve(learned: np.ndarray, held: np.ndarray) -> list[dict[str, float]]:
    rows = zip(EPOCHS, learned, held, strict=False)
    return [{"epoch": e, "loss": a, "validation_loss": b} for e, a, b in rows]


@pytest.mark.parametrize(
    ("learned", "held", "word"),
    [
        (FALLING, FALLING + 0.05, "settled"),
        (FALLING, FALLING + 0.02 * np.maximum(0, EPOCHS - 10), "overfitting"),
        (1 - 0.001 * EPOCHS, 1 - 0.001 * EPOCHS, "underfitting"),
        (2 - 0.05 * EPOCHS, 2 - 0.05 * EPOCHS, "stopped early"),
        (FALLING[:3], FALLING[:3], "too short"),
    ],
)
def test_a_curve_is_called_what_it_is(learned: np.ndarray, held: np.ndarray, word: str) -> None:
    found = diagnose(curve(learned, held))
    assert found.word == word, found.sentence
    assert found.sentence.endswith(".")


def test_the_epoch_where_it_turned_is_named() -> None:
    held = FALLING + 0.02 * np.maximum(0, EPOCHS - 10)
    best = int(EPOCHS[held.argmin()])
    assert f"From epoch {best} on" in diagnose(curve(FALLING, held)).sentence
