"""What is shuffled together, and what the measure loses by it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.evaluation.importance import groups, importance
from pipelines.schema import Schema


def test_importance_finds_what_the_scores_are_made_of() -> None:
    draw = np.random.default_rng(1)
    known = {name: draw.normal(size=3000) for name in ("much", "little", "none")}
    labels = draw.random(3000) < 1 / (1 + np.exp(-2 * known["much"] - 0.5 * known["little"]))

    def score(
        columns: tuple[str, ...], order: npt.NDArray[np.int64] | None
    ) -> npt.NDArray[np.float64]:
        given = {
            name: values[order] if name in columns and order is not None else values
            for name, values in known.items()
        }
        return 1 / (1 + np.exp(-2 * given["much"] - 0.5 * given["little"]))

    found = importance(
        "binary",
        score,
        {name: (name,) for name in ("none", "little", "much")},
        labels.astype(np.int64),
        seed=2,
    )
    assert list(found) == ["much", "little", "none"]
    assert found["none"] == 0.0
    assert found["much"] > 0.2 > found["little"] > 0


def test_a_feature_is_shuffled_alone_and_the_pixels_of_an_image_by_patches() -> None:
    table = Schema(("a", "b"), ("c",), "y")
    assert groups(table) == {"a": ("a",), "b": ("b",), "c": ("c",)}
    pixels = tuple(f"pixel_{place}" for place in range(9 * 8 * 3))
    found = groups(Schema(pixels, (), "y", image=(9, 8, 3)))
    assert len(found) == 16
    assert sorted(name for names in found.values() for name in names) == sorted(pixels)
    first = found["rows 0-2, columns 0-1"]
    assert first[:6] == ("pixel_0", "pixel_1", "pixel_2", "pixel_3", "pixel_4", "pixel_5")
    assert len(first) == 3 * 2 * 3
