"""Both trainings are done anew, in a process of their own, and are what the stages would make."""

from __future__ import annotations

import os
import signal

import numpy as np
import pandas as pd
import pytest

from pipelines.errors import ModelError
from pipelines.frames import features, tensors
from pipelines.inference.session import ModelSession
from pipelines.models import refitting
from pipelines.models.base import last
from pipelines.models.given import Given
from pipelines.paths import ModelPaths
from pipelines.settings import ModelSettings
from tests.models.test_incremental import gone_through, grown
from tests.small import settings

__all__ = ["grown"]


def _killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stumbling(*_: object) -> None:
    raise ValueError("a library stumbled")


def test_both_are_what_the_stages_would_make(grown: ModelPaths) -> None:
    known = gone_through(grown)
    asked = pd.read_parquet(grown.splits / "holdout.parquet")
    part, whole = refitting.side_by_side(grown, known, asked)
    given = Given.read(grown, known)
    assert part.rows == len(given.seen) < whole.rows == len(given.known)
    assert min(part.seconds, whole.seconds) > 0
    schema = given.schema
    served = ModelSession.open(grown.artifact).predict(tensors(asked, schema)).scores
    assert np.abs(part.scores - served).max() < 1e-5
    full = last(given.family.fit(given.on(given.known))).scores(features(asked, schema))
    assert np.array_equal(whole.scores, full)
    assert not np.array_equal(whole.scores, part.scores)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(_killed, "was killed"), (_stumbling, "failed with ValueError: a library stumbled")],
    ids=["killed", "stumbling"],
)
def test_a_process_that_does_not_come_back_is_named(
    grown: ModelPaths, monkeypatch: pytest.MonkeyPatch, trouble: object, said: str
) -> None:
    monkeypatch.setattr(refitting, "both", trouble)
    with pytest.raises(ModelError, match=said) as caught:
        refitting.side_by_side(grown, _any(), pd.DataFrame())
    assert "gate.compare_full" in str(caught.value)


def _any() -> ModelSettings:
    return settings()
