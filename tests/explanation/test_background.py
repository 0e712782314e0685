"""What stands for "not known" is ordinary rows that the model learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import ModelError
from pipelines.explanation.background import BACKGROUND_ROWS, background
from pipelines.inference.session import ModelSession
from pipelines.models import golden
from pipelines.schema import NUMBERS
from pipelines.signature import GOLDEN_FILE
from tests.packaged import artifact
from tests.small import SCHEMA, table

__all__ = ["artifact"]


@pytest.mark.parametrize("rows", [120, 3000])
def test_the_last_golden_rows_are_rows_that_were_learned_from(rows: int) -> None:
    """Those before them have a trillion in one column, or nothing in any."""
    known = table(rows)
    made = golden.rows_of(known, SCHEMA, 1000, seed=7)
    last = made.tail(BACKGROUND_ROWS)
    assert len(last) == BACKGROUND_ROWS
    assert set(last["spend"]) <= set(known["spend"])
    assert not set(made.head(BACKGROUND_ROWS)["spend"]) <= set(known["spend"])


def test_they_are_read_from_the_model_folder(artifact: Path) -> None:
    session = ModelSession.open(artifact)
    found = background(artifact, session)
    expected = pd.read_parquet(artifact / GOLDEN_FILE).tail(BACKGROUND_ROWS)
    numbers = list(session.signature.schema.numbers)
    np.testing.assert_array_equal(found[NUMBERS], expected[numbers].to_numpy())


def test_a_folder_without_them_is_named(artifact: Path, tmp_path: Path) -> None:
    session = ModelSession.open(artifact)
    with pytest.raises(ModelError, match="golden rows cannot be read"):
        background(tmp_path, session)
    golden_rows = pd.read_parquet(artifact / GOLDEN_FILE)
    golden_rows.head(0).to_parquet(tmp_path / GOLDEN_FILE)
    with pytest.raises(ModelError, match="no golden rows"):
        background(tmp_path, session)
    golden_rows.drop(columns="distance").to_parquet(tmp_path / GOLDEN_FILE)
    with pytest.raises(ModelError, match="distance"):
        background(tmp_path, session)
