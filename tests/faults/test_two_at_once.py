"""Two processes and one project."""

from __future__ import annotations

import pytest

from pipelines.state import ledger
from tests.faults.killing import Retrain, running
from tests.throwaway import MONTHS, Project
from tests.waiting import until


def test_one_model_has_one_retrain(trained: Project) -> None:
    winner = Retrain(trained, "alpha", "--until", MONTHS[2])
    until(lambda: running("validate@alpha")(winner) or winner.process.poll() is not None)
    late = trained.evergreen("retrain", "alpha")
    shown = trained.evergreen("status", "--json")
    assert winner.process.poll() is None
    winner.kill_when(lambda _: True, "tree")
    assert late.returncode == 3
    assert f"process {winner.process.pid}" in late.stderr
    assert "next step: wait" in late.stderr
    assert f"process {winner.process.pid}" in shown.stdout


@pytest.mark.slow
def test_two_models_are_retrained_at_once(untrained: Project) -> None:
    both = [Retrain(untrained, "alpha"), Retrain(untrained, "beta")]
    for model, retrain in zip(("alpha", "beta"), both, strict=True):
        said = retrain.end()
        assert retrain.process.returncode == 0, said
        [entry] = ledger.history(untrained.engine, model)
        assert entry.version == f"{model}@v1"
