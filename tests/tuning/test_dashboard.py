"""The how-to says that a dashboard opens the file of a search: it does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path

import pytest

from pipelines.ports import free_port
from pipelines.tuning import study
from pipelines.tuning.journal import Journal
from tests.tuning.inline import Inline
from tests.tuning.scoring import Plan, prepare, search


@pytest.mark.slow
def test_the_dashboard_opens_a_journal(tmp_path: Path) -> None:
    journal = tmp_path / "shop-1234.journal"
    engine = Inline(partial(prepare, Plan(tmp_path / "log")), 1)
    store = Journal("shop-1234", journal, ["maximize"])
    study.run(search(trials=4), store, engine, lambda done, total: None)

    port = free_port()
    command = [
        str(Path(sys.executable).with_name("optuna-dashboard")),
        str(journal),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found = _read(f"http://127.0.0.1:{port}/api/studies/0")
        listed = _read(f"http://127.0.0.1:{port}/api/studies")
    finally:
        process.terminate()
        process.wait()
    assert [known["study_name"] for known in listed["study_summaries"]] == ["shop-1234"]
    assert [trial["state"] for trial in found["trials"]] == ["Complete"] * 4


def _read(address: str) -> dict[str, list[dict[str, object]]]:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address) as answer:
                found: dict[str, list[dict[str, object]]] = json.load(answer)
                return found
        except OSError:
            assert time.monotonic() < until, "the dashboard does not answer"
            time.sleep(0.2)
