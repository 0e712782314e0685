"""`evergreen stress`: a version under load, and a word that a program can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.ports import LOOPBACK, free_port
from tests.orchestration import Run
from tests.throwaway import Project

SHORT = ("--rate", "150", "--seconds", "3", "--users", "8", "--errors-percent", "3")


def test_a_version_is_put_under_load_and_judged(trained: Project, run: Run) -> None:
    done = run(trained, "stress", "alpha", *SHORT, "--p99-ms", "5000", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["verdict"]["outcome"] == "PASSED"
    assert told["name"] == "alpha@v1"
    assert told["summary"]["endings"]["answered"] == told["summary"]["requests"] == 450
    page = Path(told["report"])
    assert page == trained.home.reports.resolve() / "alpha" / "alpha@v1-stress" / "stress.html"
    assert "alpha@v1" in page.read_text(encoding="utf-8")
    assert "requests: 750 of 750" in done.err


@pytest.mark.slow
def test_a_limit_that_is_broken_is_a_no(trained: Project, run: Run) -> None:
    out = trained.root / "report"
    out.mkdir()
    done = run(
        trained, "stress", "alpha@v1", *SHORT, "--door", "grpc", "--p99-ms", "0.01", "-o", str(out)
    )
    # A busy machine may not be able to tell, and then must not say that it passed.
    assert done.code in {1, 3}, done.err
    assert "p99: " in done.out
    assert "milliseconds" in done.out
    assert max(map(len, done.out.split("p99: ")[0].splitlines())) <= 80
    assert (out / "stress.html").is_file()
    told = json.loads((out / "stress.json").read_text())
    assert told["door"] == "grpc"
    assert told["summary"]["endings"]["answered"] > 0, told["problems"]
    assert told["verdict"]["outcome"] != "PASSED"


def test_what_is_wrong_is_named_before_anything_is_loaded(trained: Project, run: Run) -> None:
    nobody = f"http://{LOOPBACK}:{free_port()}"
    wrong = {
        ("alpha@v9",): (2, "no version 'v9' of alpha"),
        ("gamma",): (2, "unknown model 'gamma'"),
        ("alpha", "--url", "http://example.org"): (2, "--allow-load-on example.org"),
        ("alpha", "--url", "example.org"): (2, "not the address of a server"),
        ("alpha", "--door", "window"): (2, "use one of predict"),
        ("alpha", "-o", "nowhere"): (2, "no such folder: nowhere"),
        ("alpha", "--url", nobody): (3, "does not answer a prediction"),
        ("alpha", "--url", nobody, "--rate", "1e9"): (3, "does not answer"),
    }
    for arguments, (code, named) in wrong.items():
        done = run(trained, "stress", *arguments)
        assert done.code == code, (arguments, done.err)
        assert named in done.err
        assert "next step: " in done.err
    for bad in (["--rate", "0"], ["--seconds", "0"], ["--users", "0"], ["--errors-percent", "-1"]):
        assert run(trained, "stress", "alpha", *bad).code == 2
