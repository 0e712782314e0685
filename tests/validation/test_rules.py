"""expectations.yaml is read as it is meant, or refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.validation import rules
from pipelines.validation.rules import Severity

GOOD = """\
rows:
  - type: expect_column_values_to_be_between
    severity: warning
    kwargs: {column: x, min_value: 0, mostly: 0.9}
    rows: quarantine
    why: Less than nothing is not sold.
  - type: expect_column_max_to_be_between
    kwargs: {column: day, min_value: {$PARAMETER: freshest}}
tables:
  prices:
    - type: expect_table_row_count_to_be_between
      kwargs: {min_value: 1}
"""


def load(tmp_path: Path, text: str, **values: str) -> rules.Expectations:
    path = tmp_path / "expectations.yaml"
    path.write_text(text, encoding="utf-8")
    return rules.load(path, values)


def test_rules_are_read_with_their_lines_and_parameters(tmp_path: Path) -> None:
    read = load(tmp_path, GOOD, freshest="2024-02-26")
    first, second = read.rows
    assert (first.severity, first.quarantines) == (Severity.WARNING, True)
    assert first.columns == ("x",)
    assert first.why == "Less than nothing is not sold."
    assert first.where.endswith("expectations.yaml: rows[0], line 2")
    assert (second.severity, second.quarantines) == (Severity.CRITICAL, False)
    assert second.kwargs == {"column": "day", "min_value": "2024-02-26"}
    assert read.tables["prices"][0].where.endswith("tables.prices[0], line 11")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "rows:\n", "rows: []\ntables:\n"])
def test_no_rule_is_allowed(text: str, tmp_path: Path) -> None:
    assert load(tmp_path, text) == rules.Expectations()


BAD = {
    "not YAML": ("rows:\n  - {type: a", r"not readable as YAML.*line 2"),
    "a key twice": ("rows: []\nrows: []\n", r"'rows' is written twice.*line 2"),
    "a list": ("- type: a\n", "holds list, not a mapping"),
    "an unknown section": ("row: []\n", "unknown key row; allowed: rows, tables"),
    "no list of rules": ("rows: {type: a}\n", "rows: is not a list"),
    "no mapping of tables": ("tables: [a]\n", "tables: is not a mapping"),
    "a table named by a number": ("tables:\n  2013: []\n", "tables: is not a mapping"),
    "a rule of text": ("rows:\n  - expect_x\n", r"rows\[0\], line 2: the entry: "),
    "no type": ("rows:\n  - kwargs: {}\n", r"rows\[0\], line 2: type: Field required"),
    "a bad severity": (
        "rows:\n  - type: a\n\n  - type: a\n    severity: fatal\n",
        r"rows\[1\], line 4: severity: .*'critical'.*not 'fatal'",
    ),
    "a bad fate": ("rows:\n  - {type: a, rows: drop}\n", "rows: .*not 'drop'"),
    "an extra key": ("rows:\n  - {type: a, kwarg: {}}\n", "kwarg: Extra inputs"),
    "an unknown parameter": (
        "rows:\n  - {type: a, kwargs: {x: [{$PARAMETER: oldest}]}}\n",
        "unknown parameter 'oldest'; allowed: window_start, window_end, freshest",
    ),
    "an undefined parameter": (
        "rows:\n  - {type: a, kwargs: {x: {$PARAMETER: freshest}}}\n",
        "freshest is not defined, because ingest.until is not set",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named(case: str, tmp_path: Path) -> None:
    text, words = BAD[case]
    with pytest.raises(SettingsError, match=f"(?s){words}") as caught:
        load(tmp_path, text)
    assert "expectations.yaml" in caught.value.where
    assert caught.value.next_step


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the file is missing"):
        rules.load(tmp_path / "expectations.yaml", {})
