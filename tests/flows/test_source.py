"""`evergreen source`: other rows are recorded when asked, other columns only when asked for."""

from __future__ import annotations

import json

import pandas as pd

from pipelines.paths import ModelPaths
from tests.throwaway import Project


def test_other_columns_need_a_word_of_their_own(untrained: Project) -> None:
    paths = ModelPaths(untrained.root, "alpha")
    file = untrained.root / "sources" / "alpha.csv"
    assert untrained.evergreen("source", "alpha", "--record").returncode == 0
    recorded = json.loads(paths.source.read_text())
    assert recorded["columns"]["speed"] == "number"

    pd.read_csv(file).rename(columns={"speed": "speeds"}).to_csv(file, index=False)
    assert untrained.evergreen("source", "alpha").returncode == 1
    refused = untrained.evergreen("source", "alpha", "--record")
    assert refused.returncode == 2
    assert "'speed' (number) is gone; did it become 'speeds'?" in refused.stderr
    assert "evergreen source alpha --record --columns" in refused.stderr
    assert json.loads(paths.source.read_text()) == recorded

    alone = untrained.evergreen("source", "alpha", "--columns")
    assert alone.returncode == 2
    assert "accepts nothing by itself" in alone.stderr
    accepted = untrained.evergreen("source", "alpha", "--record", "--columns")
    assert accepted.returncode == 0
    assert "speeds" in json.loads(paths.source.read_text())["columns"]
