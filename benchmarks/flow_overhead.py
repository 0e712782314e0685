"""What the orchestration costs: the flow against the same functions from a bare script.

Both start cold, in a fresh clone, and do the same work on all flights of the year: six stages,
gate, bento, proof, report. Both times run from the first step to the last; the flow has a
worktree, a process a stage, DVC's hashing and caching, a commit, a tag and the push to pay for
besides. What starting Prefect costs is seen apart: a retrain with nothing changed against a flow
that does nothing, as whole processes on a Prefect server that is up.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.clones import clone
from flows import prefect_server
from pipelines.versioning.git import Repository

MODEL = "flights"


def run(rounds: int) -> None:
    flows, bares, noops, starts = [], [], [], []
    for number in range(1, rounds + 1):
        with clone() as (place, environment):
            _take_all_months(place)
            bares.append(
                _json([sys.executable, "-m", "benchmarks.bare", MODEL], place, environment)
            )
        with clone() as (place, environment):
            _take_all_months(place)
            log = place / ".evergreen" / "logs" / "prefect.log"
            with prefect_server.running(environment, log) as url:
                environment["PREFECT_API_URL"] = url
                flows.append(sum(_retrain(place, environment, codes=(0,))["seconds"].values()))
                noops.append(_retrain(place, environment, codes=(1,))["whole"])
                starts.append(_empty_flow(place, environment))
        print(
            f"round {number}: bare {bares[-1]['all']:.1f} s, flow {flows[-1]:.1f} s, "
            f"ratio {flows[-1] / bares[-1]['all']:.2f}; "
            f"nothing changed {noops[-1]:.1f} s, an empty flow {starts[-1]:.1f} s",
            flush=True,
        )
    ratios = [flow / bare["all"] for flow, bare in zip(flows, bares, strict=True)]
    extras = [noop - start for noop, start in zip(noops, starts, strict=True)]
    print(f"flow / bare, median of {rounds}: {statistics.median(ratios):.2f}")
    print(f"a retrain with nothing changed, beyond Prefect: {statistics.median(extras):.1f} s")


def _take_all_months(place: Path) -> None:
    path = place / "params.yaml"
    text = path.read_text(encoding="utf-8")
    assert 'until: "2013-03"' in text
    path.write_text(text.replace('until: "2013-03"', 'until: "2013-12"'), encoding="utf-8")
    Repository(place).commit_all("Take all months", "params.yaml")


def _retrain(place: Path, environment: dict[str, str], codes: tuple[int, ...]) -> dict[str, Any]:
    """One `evergreen retrain` on a server that is up: its result, and the seconds of the whole
    process as `whole`."""
    command = [sys.executable, "-m", "flows", "retrain", MODEL, "--json"]
    seconds, printed = _timed(command, place, environment, codes)
    return {**json.loads(printed), "whole": seconds}


def _empty_flow(place: Path, environment: dict[str, str]) -> float:
    """Whole-process seconds of a flow with one task that does nothing."""
    script = (
        "from prefect import flow, task\n"
        "@task\ndef nothing(): pass\n"
        "@flow\ndef empty(): nothing()\n"
        "empty()\n"
    )
    return _timed([sys.executable, "-c", script], place, environment, (0,))[0]


def _timed(
    command: list[str], place: Path, environment: dict[str, str], codes: tuple[int, ...]
) -> tuple[float, str]:
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in codes:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return time.monotonic() - started, done.stdout


def _json(command: list[str], place: Path, environment: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds
