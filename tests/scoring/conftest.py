"""The shared model folder and bento, under the names that tests ask for, and golden rows."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.signature import GOLDEN_FILE
from tests.packaged import artifact, packaged

__all__ = ["artifact", "golden", "packaged"]


@pytest.fixture
def golden(artifact: Path) -> pd.DataFrame:
    return pq.read_table(artifact / GOLDEN_FILE).to_pandas()
