"""The plots: each is drawn, whatever the run came to, and the same twice."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.stress import plots, summarize
from pipelines.stress.records import Ending
from tests.stress.made_up import records

RUNS = {
    "usual": records(np.random.default_rng(7).lognormal(3, size=900)),
    "one request": records([3.0]),
    "all the same": records([2.0] * 300),
    "with a silent second": records([2.0] * 300, ending=[0] * 100 + [2] * 100 + [0] * 100),
}


@pytest.mark.parametrize("name", list(RUNS))
def test_a_run_has_four_plots(name: str) -> None:
    summary = summarize(RUNS[name], 3.0)
    drawn = plots.all_of(summary, 100.0)

    assert set(drawn) == {"throughput", "errors", "latency", "histogram"}
    for svg in drawn.values():
        assert svg.startswith("<svg")
        assert "nan" not in svg.casefold()
    assert plots.all_of(summary, 100.0) == drawn


def test_nothing_answered_has_no_latencies_to_draw() -> None:
    summary = summarize(records([2.0] * 300, ending=Ending.NO_ANSWER), 3.0)

    assert set(plots.all_of(summary, 100.0)) == {"throughput", "errors"}
