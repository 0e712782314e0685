"""Whatever stands in the data is shown as it is."""

from __future__ import annotations

import pytest

from pipelines.evaluation.report import Section
from pipelines.explanation import markdown


@pytest.mark.parametrize("mark", ["a|b", "<b>", "*x*", "[x](y)", "`x`", "a\nb"])
def test_values_of_the_data_are_no_markup(mark: str) -> None:
    text = markdown.render("x", [Section("T", (mark,), header=("h",), rows=((mark,),))])
    for character in "|<*[`":
        if character in mark:
            assert f"\\{character}" in text
    assert "a\nb" not in text
