"""The proof: it passes on a true bento, and each way of being wrong makes it fail."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

from pipelines.errors import CellError, PackageError
from pipelines.packaging import Site, prove, serve_command
from pipelines.packaging.proof import Answers, compare
from pipelines.paths import HomePaths
from pipelines.signature import GOLDEN_ANSWER, GOLDEN_FILE
from pipelines.verdicts import Outcome
from tests.model_folder import make_model_folder
from tests.packaged import Packaged

RIGHT = np.linspace(0, 1, 1000)
STAGES = ("training", "onnx", "bento", "rest", "grpc")


def answers(**changes: np.ndarray) -> Answers:
    return Answers(**{**dict.fromkeys(STAGES, RIGHT), **changes})


def changed(by: float) -> np.ndarray:
    wrong = RIGHT.copy()
    wrong[500] += by
    return wrong


def test_equal_answers_pass() -> None:
    verdict = compare(answers(), {"tag": "t"})

    assert verdict.outcome is Outcome.PASSED
    assert verdict.evidence["tag"] == "t"
    assert set(verdict.evidence["max_abs_difference"].values()) == {0.0}


@pytest.mark.parametrize(
    ("stage", "by", "outcome"),
    [
        ("bento", 5e-7, Outcome.PASSED),
        ("bento", 2e-6, Outcome.FAILED),
        ("rest", 2e-6, Outcome.FAILED),
        ("grpc", 2e-6, Outcome.FAILED),
        ("training", 9e-5, Outcome.PASSED),
        ("training", 2e-4, Outcome.FAILED),
        ("onnx", -2e-6, Outcome.FAILED),
        ("bento", np.nan, Outcome.FAILED),
        ("onnx", np.nan, Outcome.FAILED),
        ("training", np.nan, Outcome.FAILED),
    ],
)
def test_one_wrong_row_is_judged_by_the_tolerance(stage: str, by: float, outcome: Outcome) -> None:
    assert compare(answers(**{stage: changed(by)}), {}).outcome is outcome


def test_a_missing_answer_fails() -> None:
    verdict = compare(answers(bento=RIGHT[:-1]), {})

    assert verdict.outcome is Outcome.FAILED
    assert "999 answers against 1000" in verdict.reason


def test_a_few_rows_prove_nothing() -> None:
    few = RIGHT[:999]

    assert compare(Answers(*[few] * 5), {}).outcome is Outcome.INCONCLUSIVE
    assert compare(Answers(*[few[:0]] * 5), {}).outcome is Outcome.INCONCLUSIVE


def test_a_true_bento_is_proved_with_its_figures(packaged: Packaged) -> None:
    verdict = prove(packaged.tag, packaged.artifact, packaged.home, 60)
    evidence = verdict.evidence

    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert evidence["rows"] == 1200
    assert max(evidence["max_abs_difference"].values()) < 1e-6
    assert 0 < evidence["onnx_latency_ms"]["p50"] <= evidence["onnx_latency_ms"]["p99"]
    assert evidence["onnx_latency_ms"]["p50"] < evidence["rest_latency_ms"]["p50"]
    assert evidence["seconds_to_ready"] > 0
    assert 0 < evidence["model_megabytes"] < evidence["bento_megabytes"]
    assert verdict.to_json()["outcome"] == "PASSED"


def test_golden_rows_that_training_answered_otherwise_fail(
    packaged: Packaged, tmp_path: Path
) -> None:
    artifact = shutil.copytree(packaged.artifact, tmp_path / "artifact")
    golden = pq.read_table(artifact / GOLDEN_FILE).to_pandas()
    golden.loc[700, GOLDEN_ANSWER] += 0.001
    golden.to_parquet(artifact / GOLDEN_FILE)
    verdict = prove(packaged.tag, artifact, packaged.home, 60)

    assert verdict.outcome is Outcome.FAILED
    assert "onnx_training: differs by up to 0.001" in verdict.reason
    assert verdict.evidence["max_abs_difference"]["bento_onnx"] < 1e-6


def test_a_bento_of_another_model_fails_before_it_is_started(
    packaged: Packaged, tmp_path: Path
) -> None:
    make_model_folder(tmp_path / "other", rows=1000, seed=8)
    verdict = prove(packaged.tag, tmp_path / "other", packaged.home, 60)

    assert verdict.outcome is Outcome.FAILED
    assert "another model" in verdict.reason


def test_a_bento_that_is_not_ready_in_time_is_an_error(packaged: Packaged) -> None:
    before = {process.pid for process in psutil.process_iter()}
    verdict = prove(packaged.tag, packaged.artifact, packaged.home, 0.2)

    assert verdict.outcome is Outcome.ERROR
    assert "not ready after 0.2 s" in verdict.reason
    assert Path(verdict.evidence["log"]).is_relative_to(packaged.home.logs)
    assert not [p for p in psutil.process_iter() if p.pid not in before and is_ours(p, packaged)]


def test_a_service_that_cannot_start_is_an_error_with_the_end_of_its_log(
    packaged: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A sitecustomize of the environment breaks every Python that starts under it.
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('no service today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    verdict = prove(packaged.tag, packaged.artifact, packaged.home, 60)

    assert verdict.outcome is Outcome.ERROR
    assert "no service today" in verdict.evidence["log_tail"]
    assert "ended with exit code" in verdict.reason


@pytest.mark.parametrize("spoil", ["missing", "cut off", "no answers"])
def test_golden_rows_that_cannot_be_read_raise(
    packaged: Packaged, tmp_path: Path, spoil: str
) -> None:
    artifact = shutil.copytree(packaged.artifact, tmp_path / "artifact")
    path = artifact / GOLDEN_FILE
    if spoil == "missing":
        path.unlink()
    elif spoil == "cut off":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        pq.write_table(pq.read_table(path).drop_columns([GOLDEN_ANSWER]), path)

    with pytest.raises(PackageError, match="no golden rows"):
        prove(packaged.tag, artifact, packaged.home, 60)


def test_an_empty_golden_file_raises(packaged: Packaged, tmp_path: Path) -> None:
    artifact = shutil.copytree(packaged.artifact, tmp_path / "artifact")
    path = artifact / GOLDEN_FILE
    pq.write_table(pq.read_table(path).slice(0, 0), path)

    with pytest.raises(CellError, match="no rows"):
        prove(packaged.tag, artifact, packaged.home, 60)


def test_the_command_serves_this_bento_with_telemetry_off(packaged: Packaged) -> None:
    site = Site.of("flights", packaged.home, 4321, 4322, "127.0.0.1")
    argv, env = serve_command(packaged.tag, packaged.home, site)

    assert argv[0] == sys.executable
    assert argv[-4:] == ["--host", "127.0.0.1", "--port", "4321"]
    assert env["BENTOML_DO_NOT_TRACK"] == "True"
    # A home of its own, and another for the next server: BentoML empties it at each start.
    assert Path(env["BENTOML_HOME"]).parent == packaged.home.servers
    assert (
        serve_command(packaged.tag, packaged.home, site)[1]["BENTOML_HOME"] != env["BENTOML_HOME"]
    )
    assert env["OMP_NUM_THREADS"] == "1"
    assert env["EVERGREEN_GRPC"] == "127.0.0.1:4322"
    assert env["EVERGREEN_PREDICTIONS"] == str(packaged.home.predictions("flights"))
    assert Path(env["EVERGREEN_LOG_KEY"]).stat().st_mode & 0o777 == 0o600
    with pytest.raises(PackageError):
        serve_command("flights:v9-0", packaged.home, site)


PROVE = """
import signal, sys
from pathlib import Path
from pipelines.packaging import prove
from pipelines.paths import HomePaths
# Tests that a shell runs in the background begin with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
prove(sys.argv[1], Path(sys.argv[2]), HomePaths(Path(sys.argv[3])), 60)
"""


def test_ctrl_c_ends_the_server_as_well(packaged: Packaged, tmp_path: Path) -> None:
    home = HomePaths(shutil.copytree(packaged.home.home, tmp_path / "home"))
    process = subprocess.Popen(
        [sys.executable, "-c", PROVE, packaged.tag, str(packaged.artifact), str(home.home)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    family: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while len(family) < 2:  # the arbiter, and its worker
        assert time.monotonic() < deadline
        time.sleep(0.05)
        family = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    _, alive = psutil.wait_procs(family, timeout=60)

    assert b"KeyboardInterrupt" in errors
    assert alive == []


def is_ours(process: psutil.Process, packaged: Packaged) -> bool:
    try:
        return packaged.tag.partition(":")[2] in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
