"""Plots are SVG elements with the same bytes for the same numbers."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pipelines.evaluation import plots as evaluation
from pipelines.reporting import plots

SLICES = [
    {"column": "city", "value": "Oslo & <b>", "quality": {"value": 0.7, "low": 0.6, "high": 0.8}},
    {"column": "city", "value": "Bergen", "quality": None},
]
DRAWN = {
    "roc": lambda: evaluation.roc([[0.0, 0.0], [0.2, 0.6], [1.0, 1.0]], 0.71),
    "calibration": lambda: evaluation.calibration(
        [
            {"mean_probability": 0.1, "observed_rate": 0.12},
            {"mean_probability": 0.9, "observed_rate": 0.8},
        ],
        of_classes=False,
    ),
    "confusion": lambda: evaluation.confusion([[40, 2], [0, 58]], ["cat", "dog"]),
    "agreement": lambda: evaluation.agreement(
        [
            {"predicted": -4.0, "true": -5.0, "low": -20.0, "high": 3.0},
            {"predicted": 30.0, "true": 33.0, "low": 2.0, "high": 90.0},
        ]
    ),
    "errors": lambda: evaluation.errors([3, 40, 2], [-30.0, -10.0, 10.0, 30.0]),
    "slices": lambda: evaluation.slices(SLICES, 0.72, "AUC"),
    "no slices": lambda: evaluation.slices([], 0.72, "AUC"),
    "importance": lambda: evaluation.importance(
        {f"column {n}": 1 / (n + 1) for n in range(20)}, "AUC"
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_one_element_that_parses(name: str) -> None:
    root = ET.fromstring(DRAWN[name]())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_numbers_give_the_same_bytes(name: str) -> None:
    assert DRAWN[name]() == DRAWN[name]()


def test_what_is_shown() -> None:
    assert "AUC 0.710" in DRAWN["roc"]()
    assert "city Oslo &amp; &lt;b&gt;" in DRAWN["slices"]()
    assert "Bergen" not in DRAWN["slices"]()  # it has no AUC to draw
    assert DRAWN["importance"]().count("column ") == 15


def test_a_figure_leaves_matplotlib_as_it_was() -> None:
    import matplotlib

    before = matplotlib.rcParams["axes.grid"]
    with plots.figure("x", "y") as axes:
        axes.plot([0, 1], [0, 1])
        assert matplotlib.rcParams["axes.grid"] != before
    assert matplotlib.rcParams["axes.grid"] == before
