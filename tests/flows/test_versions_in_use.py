"""What is done with a version: its report, its predictions, its server."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pandas as pd

from pipelines.ports import free_ports
from tests.orchestration import Finished, Run, processes_in
from tests.throwaway import Project
from tests.waiting import until


def test_the_report_of_a_version(first: tuple[Project, Finished], run: Run) -> None:
    project = first[0]
    for arguments in (["alpha"], ["alpha", "v1"], ["alpha", "alpha@v1"]):
        page = Path(run(project, "report", *arguments).out.strip())
        assert "alpha@v1" in page.read_text(encoding="utf-8")
    assert json.loads(run(project, "report", "alpha", "--json").out)["path"] == str(page)
    missing = run(project, "report", "alpha", "v2")
    assert missing.code == 2
    assert "there are: alpha@v1" in missing.err


def test_a_report_that_is_not_here_says_where_it_is(trained: Project, run: Run) -> None:
    (trained.home.reports / "alpha" / "alpha@v1.html").unlink()
    done = run(trained, "report", "alpha")
    assert done.code == 2
    assert "dvc pull" in done.err


def test_a_file_is_scored_by_the_live_version(trained: Project, run: Run, tmp_path: Path) -> None:
    rows = trained.root / "sources" / "alpha.csv"
    out = tmp_path / "scores.parquet"
    done = run(trained, "predict", "alpha", str(rows), "-o", str(out), "--keep", "day", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["rows"] == len(pd.read_csv(rows))
    scores = pd.read_parquet(out)
    assert len(scores) == len(pd.read_csv(rows))
    assert "day" in scores.columns
    assert set(scores["model"]) == {"alpha@v1"}
    named = run(trained, "predict", "alpha@v1", str(rows), "-o", str(tmp_path / "again.csv"))
    assert named.code == 0, named.err
    assert "rows/s" in named.out
    # A damaged copy of the model is never used.
    [model] = (trained.home.home / "versions").rglob("model.onnx")
    model.chmod(0o644)
    model.write_bytes(model.read_bytes() + b"x")
    refused = run(trained, "predict", "alpha", str(rows), "-o", str(out))
    assert refused.code == 2
    assert "model.onnx" in refused.err


def test_a_version_is_served_until_it_is_stopped(trained: Project) -> None:
    port, grpc_port = free_ports(2)
    process = trained.start("serve", "alpha", f"--port={port}", f"--grpc-port={grpc_port}")
    try:
        until(lambda: _answers(port) or process.poll() is not None, seconds=90)
        row = {"speed": 1.5, "weight": 0.1, "kind": "b"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/predict",
            json.dumps({"rows": [row]}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            [probability] = json.load(answer)["probabilities"]
        assert 0.5 < probability < 1
        taken = trained.evergreen("serve", "alpha", "--port", str(port))
        assert taken.returncode == 2
        assert f"127.0.0.1:{port}" in taken.stderr
        assert "--port" in taken.stderr
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    until(lambda: processes_in(trained) == [], seconds=15)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_version_without_its_bento_cannot_be_served(trained: Project, run: Run) -> None:
    with trained.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_DELETE")
        connection.exec_driver_sql("DELETE FROM ledger")
        connection.exec_driver_sql("DELETE FROM runs")
    done = run(trained, "serve", "alpha@v1")
    assert done.code == 2
    assert "no bento of alpha@v1" in done.err
