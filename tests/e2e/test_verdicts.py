"""What the gate says no to, and what it cannot tell, through the command line."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from pipelines.state import leases, ledger, runs
from tests.faults.killing import Retrain, finished, running
from tests.orchestration import Run, processes_in
from tests.throwaway import MONTHS, Project
from tests.waiting import until


def _part(result: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [part for part in result["verdict"]["parts"] if part["name"] == name]
    return dict(found)


def test_a_planted_bad_challenger_is_refused(trained: Project, run: Run) -> None:
    planted = "train.fixed={max_iter: 1, max_leaf_nodes: 2, learning_rate: 0.02}"
    done = run(
        trained,
        *("retrain", "alpha", "--until", MONTHS[2], "--json"),
        *("--set", "train.family=hist_gradient_boosting", "--set", planted),
    )
    assert done.code == 1, done.err
    result = json.loads(done.out)
    assert result["version"] is None
    assert _part(result, "non-inferiority")["outcome"] == "FAILED"
    assert len(ledger.history(trained.engine, "alpha")) == 1
    assert trained.git("tag", "--list", "alpha@*") == "alpha@v1.0.0"


def test_a_holdout_too_small_for_its_margin_says_how_much_it_needs(
    trained: Project, run: Run
) -> None:
    other = ("train.family=hist_gradient_boosting", "train.fixed={max_iter: 20}")
    done = run(
        trained,
        *("retrain", "alpha", "--until", MONTHS[2], "--json", "--set", "gate.margin=0.003"),
        *(f"--set={assignment}" for assignment in other),
    )
    assert done.code == 3, done.err
    part = _part(json.loads(done.out), "non-inferiority")
    assert part["outcome"] == "INCONCLUSIVE"
    assert part["evidence"]["needed_blocks"] > 14
    assert f"{part['evidence']['needed_blocks']} blocks" in part["reason"]

    told = run(trained, "retrain", "alpha", "--set", "split.holdout_days=3", "--until", MONTHS[2])
    assert told.code == 3
    assert "needs at least 8" in told.out
    assert len(ledger.history(trained.engine, "alpha")) == 1


def test_ctrl_c_ends_every_process_and_loses_nothing(trained: Project) -> None:
    retrain = Retrain(trained, "alpha", "--until", MONTHS[2])
    until(lambda: finished("ingest@alpha")(retrain) and running("tune@alpha")(retrain), 120)
    os.kill(retrain.process.pid, signal.SIGINT)
    said = retrain.end()
    assert retrain.process.returncode == 130, said
    assert said.rstrip().splitlines()[-1].startswith("interrupted")
    until(lambda: processes_in(trained) == [], seconds=15)
    assert leases.holder(trained.engine, "retrain/alpha") is None
    # Not finished and not failed: the next run takes it up, as after a kill.
    assert runs.latest(trained.engine, "alpha")[0].status == runs.RUNNING
    assert len(ledger.history(trained.engine, "alpha")) == 1
