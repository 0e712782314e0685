"""The plots of an attribution: SVG elements, the same bytes for the same numbers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from pipelines.explanation import plots

STEPS = [
    {"name": f"f{number}", "value": "a & b", "contribution": 0.3 - 0.05 * number}
    for number in range(12)
]
ATTRIBUTION: dict[str, Any] = {
    "method": "shap",
    "answer": "probability of late",
    "features": [{"name": f"f{n}", "mean_absolute": 1 / (n + 1)} for n in range(20)],
    "examples": [
        {"answer": 0.8, "base": 0.5, "class": None, "contributions": STEPS},
        {"answer": 0.5, "base": 0.4, "class": "cat", "contributions": STEPS[:2]},
    ],
}


def test_one_for_all_rows_and_one_for_each_example() -> None:
    found = plots.all_of(ATTRIBUTION)
    assert list(found) == ["attribution", "example_1", "example_2"]
    assert found == plots.all_of(ATTRIBUTION)
    for picture in found.values():
        assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"


def test_what_they_show() -> None:
    found = plots.all_of(ATTRIBUTION)
    assert found["attribution"].count(">f") == 15
    assert "Mean |SHAP value|" in found["attribution"]
    assert "probability of late" in found["example_1"]
    assert "f0 = a &amp; b: +0.3" in found["example_1"]
    assert "4 others" in found["example_1"]
    assert "f7 = a &amp; b: \N{MINUS SIGN}0.05" in found["example_1"]
    assert "Probability of cat" in found["example_2"]
    assert "others" not in found["example_2"]


def test_without_shap_there_are_none() -> None:
    assert plots.all_of({"method": "permutation", "features": []}) == {}
