"""Evidence as texts, pairs and tables."""

from __future__ import annotations

from pipelines.evaluation.evidence import MOST_ROWS, Pairs, Rows, Text, show


def plain(text: str) -> str:
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_single_values() -> None:
    assert show("a <b>") == Text("a <b>")
    assert show(None) == Text("\N{EN DASH}")
    assert show(True) == Text("yes")
    assert show(False) == Text("no")
    assert show(0.000123456) == Text("0.0001235")
    assert plain(show(1234567).text) == "1 234 567"
    assert show([]) == Text("none")
    assert show(["a", 2]) == Text("a, 2")
    assert show(list("abcdefghijklmno")) == Text("a, b, c, d, e, f, g, h, i, j, k, l and 3 more")


def test_a_mapping_is_pairs_of_words() -> None:
    assert show({"slice_margin": 0.05, "found": {"p_value": 0.2}}) == Pairs(
        [("slice margin", Text("0.05")), ("found", Pairs([("p value", Text("0.2"))]))]
    )


def test_a_list_of_mappings_is_a_table() -> None:
    value = [{"slice": "a=1", "difference": {"value": 0.5}}, {"slice": "b=2", "note": "few"}]
    assert show(value) == Rows(
        ["slice", "difference value", "note"],
        [["a=1", "0.5", "\N{EN DASH}"], ["b=2", "\N{EN DASH}", "few"]],
        more=0,
    )


def test_a_long_table_says_how_much_is_not_shown() -> None:
    found = show([{"row": number} for number in range(MOST_ROWS + 5)])
    assert isinstance(found, Rows)
    assert len(found.rows) == MOST_ROWS
    assert found.more == 5
